using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Market.Demanding;
using Overlay.Market.Regions;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Market.Buying;

/// <summary>Finds the exits of a region in the DHT.</summary>
internal delegate IAsyncEnumerable<PeerInfo> ProviderLookup(Region region, CancellationToken cancellationToken);

/// <summary>Finds where a peer may be dialled; nowhere when nobody knows.</summary>
internal delegate ValueTask<IReadOnlyList<Multiaddr>> PeerLookup(PeerId peer, CancellationToken cancellationToken);

/// <summary>Tells others what is wanted, and hands on what is offered, until cancelled.</summary>
internal delegate Task TellDemand(ExitWish wish, Action<ToldOffer> offered, CancellationToken cancellationToken);

/// <summary>Where a search puts what it finds. Called at once for several providers.</summary>
internal interface ISearchFindings
{
    /// <summary>Whether a provider is worth a question.</summary>
    bool ShouldAsk(PeerId provider);

    /// <summary>A provider's offer; it need not fit. One may come twice, first without what witnesses say.</summary>
    void Found(ToldOffer told);

    /// <summary>What a provider has offered is not to be taken: its region is not true.</summary>
    void Withdrawn(PeerId provider);
}

/// <summary>Looks for providers both ways at once, by the DHT and by demand, asks those that are found for their terms, and measures the way to them.</summary>
internal sealed class ProviderSearch(
    PeerHost host, ConsumerSessions sessions, MarketBoard board, ProviderLookup? lookup, PeerLookup find, TellDemand? tell,
    DialableAddresses? dialable, AttestationAsking attestations, RegionRule regions, MarketOptions options, TimeProvider time, ILogger logger)
{
    // Of a record that somebody has pushed: it decides where this node dials.
    private const int MaxAddresses = 8;

    private static readonly TimeSpan s_askTime = TimeSpan.FromSeconds(5), s_firstPause = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new(); // guards the doubts, and that nothing comes between one and what is taken
    private readonly RegionDoubts _doubts = new(options.Limits.MaxProviders);

    /// <summary>Searches until cancelled, or until both ways are at their end.</summary>
    /// <param name="wish">What is looked for.</param>
    /// <param name="tells">Whether to tell others what is wanted, too.</param>
    /// <param name="findings">Where what is found goes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task RunAsync(ExitWish wish, bool tells, ISearchFindings findings, CancellationToken cancellationToken)
    {
        var hints = Channel.CreateBounded<Hint>(new BoundedChannelOptions(options.Limits.MaxAsksPerSearch) { FullMode = BoundedChannelFullMode.DropWrite });
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Who wants one provider asks nobody else.
        tells &= tell is not null && wish.Provider is null;
        Task demanding = !tells
            ? Task.CompletedTask
            : tell!(wish, told => hints.Writer.TryWrite(new Hint(told.Provider, [.. told.Addresses.Take(MaxAddresses)], told)), over.Token);
        Task lookingUp = wish.Provider is { } provider ? FindAsync(provider, hints.Writer, cancellationToken) : LookUpAsync(wish.Region, hints.Writer, cancellationToken);
        var seen = new HashSet<PeerId>();
        var gate = new Lock();
        Task asking = Task.WhenAll(Enumerable.Range(0, options.Limits.MaxAsksAtOnce).Select(_ => WorkAsync()));
        await lookingUp.ConfigureAwait(false);
        // Nobody hears a demand for ever: what was not answered by now is not going to be.
        if (tells) await SleepAsync(options.SearchTime, over.Token).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        await demanding.ConfigureAwait(false);
        hints.Writer.Complete();
        await asking.ConfigureAwait(false);

        async Task WorkAsync()
        {
            try
            {
                await foreach (Hint hint in hints.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                {
                    lock (gate)
                    {
                        // What was told costs no question, and its number is bounded where it is taken.
                        if (hint.Peer == host.PeerId || (hint.Told is null && (seen.Count >= options.Limits.MaxAsksPerSearch || !seen.Add(hint.Peer)))) continue;
                    }

                    // What was told is held against the rule whatever is known: it may bring what witnesses say.
                    if (hint.Told is not null || findings.ShouldAsk(hint.Peer)) await AskAsync(hint, wish, findings, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                // Enough was found, or the time is over.
            }
        }
    }

    private async Task SleepAsync(TimeSpan length, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(length, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Earlier, then.
        }
    }

    private async Task FindAsync(PeerId provider, ChannelWriter<Hint> hints, CancellationToken cancellationToken)
    {
        TimeSpan pause = s_firstPause;
        try
        {
            // As with regions: a node that has just started knows nobody to ask.
            while (true)
            {
                IReadOnlyList<Multiaddr> addresses = await find(provider, cancellationToken).ConfigureAwait(false);
                if (addresses.Count > 0 || host.FindConnection(provider) is not null)
                {
                    hints.TryWrite(new Hint(provider, addresses, null, IsDialable: true));
                    return;
                }

                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                pause *= 2;
            }
        }
        catch (Exception e) when (e is OverlayException or OperationCanceledException or ObjectDisposedException)
        {
            MarketLog.ProviderUnfit(logger, provider, e.Message);
        }
    }

    private async Task LookUpAsync(Region region, ChannelWriter<Hint> hints, CancellationToken cancellationToken)
    {
        if (lookup is null) return;
        TimeSpan pause = s_firstPause;
        try
        {
            // A node that has just started knows nobody to ask yet; one that finds nobody asks again, for providers come and go.
            while (true)
            {
                bool any = false;
                await foreach (PeerInfo provider in lookup(region, cancellationToken).ConfigureAwait(false))
                {
                    any = true;
                    await hints.WriteAsync(new Hint(provider.PeerId, provider.ListenAddresses, null), cancellationToken).ConfigureAwait(false);
                }

                if (any) return;
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                pause *= 2;
            }
        }
        catch (OperationCanceledException)
        {
            // Enough was found, or the time is over.
        }
        catch (Exception e) when (e is OverlayException or ObjectDisposedException)
        {
            MarketLog.LookupFailed(logger, region, e.Message);
        }
    }

    private async Task AskAsync(Hint hint, ExitWish wish, ISearchFindings findings, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_askTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            IReadOnlyList<Multiaddr> addresses = dialable is null || hint.IsDialable ? hint.Addresses : await dialable(hint.Addresses, either.Token).ConfigureAwait(false);
            if (addresses.Count == 0 && host.FindConnection(hint.Peer) is null) return;
            ToldOffer told = hint.Told is { } pushed ? pushed with { Addresses = addresses } : await AskAsync(hint.Peer, addresses, wish, either.Token).ConfigureAwait(false);
            Take(told, findings);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or ArgumentException)
        {
            if (!cancellationToken.IsCancellationRequested) MarketLog.ProviderUnfit(logger, hint.Peer, e.Message);
        }
    }

    private void Take(ToldOffer told, ISearchFindings findings)
    {
        DateTimeOffset now = time.GetUtcNow();
        Region said = Region.Parse(told.Offer.Region);
        string? objection = regions.ObjectionTo(said, AddressesOf(told), told.Latency);
        lock (_lock)
        {
            if (objection is not null) _doubts.Add(told.Provider, said, objection, now);
            else objection = _doubts.Find(told.Provider, said, now);
            if (objection is null)
            {
                board.Add(told.Offer, now, told.Attested);
                findings.Found(told);
                return;
            }

            // It may have been taken before anything was known against it.
            board.Withdraw(told.Offer.Provider);
            findings.Withdrawn(told.Provider);
        }

        MarketLog.RegionContradicted(logger, told.Provider, objection);
    }

    private async ValueTask<ToldOffer> AskAsync(PeerId provider, IReadOnlyList<Multiaddr> addresses, ExitWish wish, CancellationToken cancellationToken)
    {
        PeerConnection connection = await host.ConnectAsync(provider, addresses, cancellationToken).ConfigureAwait(false);
        Task<TimeSpan> measuring = connection.PingAsync(cancellationToken).AsTask();
        Task<AttestedFigures?> attesting = attestations.OfAsync(connection, cancellationToken);
        Offer offer;
        AttestedFigures? attested;
        try
        {
            offer = await sessions.AskAsync(connection, new SessionWish { Region = wish.Region.Code }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await ((Task)measuring).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            attested = await attesting.ConfigureAwait(false);
        }

        TimeSpan? latency = measuring.IsCompletedSuccessfully ? await measuring.ConfigureAwait(false) : null;
        return new ToldOffer(provider, addresses, offer, latency, connection.RemoteAddress.HostAddress, attested);
    }

    private static IEnumerable<IPAddress> AddressesOf(ToldOffer told) =>
        (told.Remote is { } remote ? new[] { remote } : []).Concat(told.Attested?.ExitNetworks ?? []);

    /// <summary>Somebody who may be a provider, with the offer where it told one. Where it is must be held against the rule for what is told from afar, unless that has been done.</summary>
    private readonly record struct Hint(PeerId Peer, IReadOnlyList<Multiaddr> Addresses, ToldOffer? Told, bool IsDialable = false);
}
