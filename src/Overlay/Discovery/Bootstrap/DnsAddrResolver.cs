using Overlay.Transport.Identity;

namespace Overlay.Discovery.Bootstrap;

/// <summary>Follows <c>/dnsaddr/…</c> addresses through TXT records to addresses that can be dialled (libp2p addressing specification, "dnsaddr
/// Links").</summary>
/// <remarks>Whoever runs a zone decides how long this goes on, so depth, questions and addresses are bounded, and no name is asked twice.</remarks>
internal sealed class DnsAddrResolver(ITextRecords records, BootstrapOptions options)
{
    private const string Attribute = "dnsaddr=";

    /// <summary>The addresses that an address leads to: itself, unless it begins with <c>/dnsaddr</c>.</summary>
    /// <param name="address">When it ends in <c>/p2p/…</c>, only addresses of that peer are taken.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Addresses that name a peer, at most <see cref="BootstrapOptions.MaxAddressCount"/>, each once.</returns>
    internal async ValueTask<IReadOnlyList<Multiaddr>> ResolveAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        var found = new List<Multiaddr>();
        var asked = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var waiting = new Queue<(Multiaddr Address, int Depth)>([(address, 0)]);
        while (waiting.TryDequeue(out (Multiaddr Address, int Depth) next))
        {
            if (next.Address.HostNameKind != MultiaddrProtocol.DnsAddr)
            {
                if (next.Address.PeerId is not null && !found.Contains(next.Address)) found.Add(next.Address);
                if (found.Count == options.MaxAddressCount) break;
                continue;
            }

            if (next.Depth == options.MaxDepth || asked.Count == options.MaxLookupCount || !asked.Add(next.Address.HostName!)) continue;
            foreach (string record in await records.ResolveAsync($"_dnsaddr.{next.Address.HostName}", cancellationToken).ConfigureAwait(false))
            {
                if (waiting.Count >= options.MaxAddressCount) break;
                if (!record.StartsWith(Attribute, StringComparison.Ordinal) || !Multiaddr.TryParse(record[Attribute.Length..], out Multiaddr? linked)) continue;
                if (EndsLike(linked, next.Address)) waiting.Enqueue((linked, next.Depth + 1));
            }
        }

        return found;
    }

    // What stands behind /dnsaddr/name must stand at the end of whatever the name leads to.
    private static bool EndsLike(Multiaddr linked, Multiaddr address)
    {
        MultiaddrComponent[] wanted = [.. address.Components.Skip(1)];
        if (wanted.Length > linked.Components.Count) return false;
        IEnumerable<MultiaddrComponent> end = linked.Components.Skip(linked.Components.Count - wanted.Length);
        return wanted.Zip(end).All(pair => pair.First.Protocol == pair.Second.Protocol && pair.First.RawValue.Span.SequenceEqual(pair.Second.RawValue.Span));
    }
}
