using DnsClient;

namespace Overlay.Discovery.Bootstrap;

/// <summary>TXT records from the resolvers that this host is set up with.</summary>
internal sealed class DnsTextRecords(TimeSpan timeout) : ITextRecords
{
    // Made at the first question: finding the host's resolvers reads files.
    private readonly Lazy<LookupClient> _client = new(() =>
        new LookupClient(new LookupClientOptions { Timeout = timeout, Retries = 1, ThrowDnsErrors = false, UseCache = true }));

    public async ValueTask<IReadOnlyList<string>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            IDnsQueryResponse response = await _client.Value.QueryAsync(name, QueryType.TXT, QueryClass.IN, cancellationToken).ConfigureAwait(false);
            return [.. response.Answers.TxtRecords().Select(record => string.Concat(record.Text))];
        }
        // The library wraps a cancellation into an error of its own.
        catch (DnsResponseException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }

        // Whatever a name server answers, and whatever that does to who reads it: nobody is known there.
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return [];
        }
    }
}
