using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Market.Messages;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Market.Buying;

/// <summary>An offer that a provider has told, its signature checked.</summary>
/// <param name="Provider">Who.</param>
/// <param name="Addresses">Where it is dialled.</param>
/// <param name="Offer">Its terms.</param>
/// <param name="Latency">The round trip to it, where that was measured.</param>
/// <param name="Remote">The address from which it spoke.</param>
/// <param name="Attested">What it shows of its witnesses; null for nothing.</param>
internal readonly record struct ToldOffer(
    PeerId Provider, IReadOnlyList<Multiaddr> Addresses, Offer Offer, TimeSpan? Latency, IPAddress? Remote = null, AttestedFigures? Attested = null);

/// <summary>Tells by gossip what is wanted, and takes the offers that come: under a key and at a port made for this one demand, unless the options say otherwise.</summary>
internal sealed class DemandTelling(
    PeerIdentity identity, PeerHost host, GossipNode gossip, DialableAddresses? dialable, MarketOptions options, TransportOptions transport,
    AttestationAsking attestations, TimeProvider time, ILogger logger)
    : IDisposable
{
    // A node that has just started knows of nobody who takes the topic's messages.
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100), s_longestPause = TimeSpan.FromSeconds(2);

    // How long an answer is waited for before the demand is told again, the first time; and how often it is told at most: as many as are heard of one key at once.
    private static readonly TimeSpan s_firstEcho = TimeSpan.FromSeconds(1);
    private const int MaxTold = 4;

    private static readonly TimeSpan s_readTime = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<Digest, Inbox> _inboxes = [];
    private IDisposable? _handler;

    /// <summary>Demands to which offers are taken.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _inboxes.Count;
        }
    }

    /// <summary>Takes offers under the node's own name, for demand that is not anonymous.</summary>
    internal void Start()
    {
        if (!options.AnonymousDemand) _handler = host.Protocols.Handle(MarketNames.OfferPush, TakeAsync, maxStreamsPerConnection: 4);
    }

    public void Dispose() => _handler?.Dispose();

    /// <summary>Tells a demand and hands on what is offered, until cancelled. Without an address at which a provider could answer it does nothing.</summary>
    internal async Task RunAsync(ExitWish wish, Action<ToldOffer> offered, CancellationToken cancellationToken)
    {
        try
        {
            if (options.AnonymousDemand) await RunAnonymouslyAsync(wish, offered, cancellationToken).ConfigureAwait(false);
            else await RunAsync(identity, host, wish, offered, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Enough was found, or the time is over.
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or ArgumentException)
        {
            MarketLog.AskFailed(logger, wish.Region, e.Message);
        }
    }

    private async Task RunAnonymouslyAsync(ExitWish wish, Action<ToldOffer> offered, CancellationToken cancellationToken)
    {
        using PeerIdentity fresh = PeerIdentity.Generate();
        // Its address is told to everybody: it may take no more than the offers of one demand need.
        ResourceOptions resources = transport.Resources with { Node = transport.Resources.Node with { MaxConnectionCount = options.Limits.MaxOffersPerDemand } };
        var replies = new PeerHost(fresh, transport with { Resources = resources, ServePerf = false }, null, time);
        await using ConfiguredAsyncDisposable disposing = replies.ConfigureAwait(false);
        using IDisposable handler = replies.Protocols.Handle(MarketNames.OfferPush, TakeAsync, maxStreamsPerConnection: 1);
        foreach (IPAddress place in host.ListenAddresses.Select(address => address.HostAddress).OfType<IPAddress>().Distinct())
        {
            try
            {
                await replies.ListenAsync(Multiaddr.FromIPEndPoint(new IPEndPoint(place, 0)), cancellationToken).ConfigureAwait(false);
            }
            catch (ConnectionException e)
            {
                // An address of the host that has gone meanwhile.
                MarketLog.AskFailed(logger, wish.Region, e.Message);
            }
        }

        await RunAsync(fresh, replies, wish, offered, cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync(PeerIdentity author, PeerHost replies, ExitWish wish, Action<ToldOffer> offered, CancellationToken cancellationToken)
    {
        IReadOnlyList<Multiaddr> addresses = [.. replies.ListenAddresses.Select(address => address.WithoutPeerId()).Where(address => address.Bytes.Length <= Demand.MaxAddressSize)];
        // What would lead others nowhere is not told to them.
        if (dialable is not null) addresses = await dialable(addresses, cancellationToken).ConfigureAwait(false);
        if (addresses.Count == 0)
        {
            MarketLog.AskFailed(logger, wish.Region, "There is no address at which providers could answer.");
            return;
        }

        var inbox = new Inbox(offered, options.Limits.MaxOffersPerDemand);
        var told = new List<Digest>();
        try
        {
            TimeSpan pause = s_firstEcho;
            // Who joins a topic late does not hear what was said before: with no answer it is said again, in new words, for nobody passes the same on twice.
            while (inbox.IsEmpty && told.Count < MaxTold)
            {
                await TellAsync(author, wish, [.. addresses.Take(Demand.MaxAddressCount)], inbox, told, cancellationToken).ConfigureAwait(false);
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                pause *= 2;
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                foreach (Digest demand in told) _inboxes.Remove(demand);
            }
        }
    }

    private Demand Make(PeerIdentity author, ExitWish wish, IReadOnlyList<Multiaddr> addresses) => Demand.Create(
        new Demand
        {
            Consumer = default,
            Region = wish.Region.Code,
            BytesWanted = Math.Min(wish.Amount?.Bytes ?? 0, long.MaxValue),
            MaxPricePerGiB = wish.MaxPricePerGiB is { } max ? Price.ToMicroCredits(max) : long.MaxValue,
            NotAfter = (ulong)(time.GetUtcNow() + options.DemandLifetime).ToUnixTimeSeconds(),
            // Rounded up: a rate that is offered must not be below what was wished for.
            MinMbps = wish.MinRate is { } rate ? (uint)Math.Min(Math.Ceiling(rate.Megabits), uint.MaxValue) : 0,
            ExitPorts = [],
            ReplyAddresses = addresses,
            Envelope = default,
        },
        new IdentitySigner(author));

    /// <summary>Tells a demand as soon as there is somebody who hears it.</summary>
    private async Task TellAsync(
        PeerIdentity author, ExitWish wish, IReadOnlyList<Multiaddr> addresses, Inbox inbox, List<Digest> told, CancellationToken cancellationToken)
    {
        MessageSigner signer = gossip.SignerOf(author);
        for (TimeSpan pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            // Made anew each time: what nobody has heard counts as said all the same.
            Demand demand = Make(author, wish, addresses);
            lock (_lock) _inboxes.Add(demand.Id, inbox);
            int count = 0;
            try
            {
                count = await gossip.PublishAsync(MarketNames.TopicOf(wish.Region), demand.Envelope.Encode(), signer, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                // One that was not told is not waited for, whatever kept it from that.
                if (count == 0)
                {
                    lock (_lock) _inboxes.Remove(demand.Id);
                }
            }

            if (count > 0)
            {
                told.Add(demand.Id);
                MarketLog.Asked(logger, wish.Region, count);
                return;
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task TakeAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        try
        {
            byte[]? bytes = await SessionLink.WithinAsync(s_readTime, time, token => stream.Input.ReadMessageAsync(OfferPush.MaxSize, token), cancellationToken).ConfigureAwait(false);
            if (bytes is null || OfferPush.Decode(bytes) is not { } push) throw new SessionException(SessionError.Malformed, "That is no offer.");
            ToldOffer offer = Check(stream.Connection, push);
            Inbox? inbox;
            lock (_lock) inbox = _inboxes.GetValueOrDefault(push.Demand);
            if (inbox is null || !inbox.TryCount()) throw new SessionException(SessionError.WrongTerms, "It answers no demand of this moment, or there are enough.");
            // Measured where it came: nobody need be dialled, and no stranger learns the node's own name, for an offer that may never be taken.
            Task<AttestedFigures?> attesting = attestations.OfAsync(stream.Connection, cancellationToken);
            AttestedFigures? attested;
            try
            {
                TimeSpan latency = await SessionLink.WithinAsync(s_readTime, time, token => stream.Connection.PingAsync(token), cancellationToken)
                    .ConfigureAwait(false);
                // Counts at once: offers are waited for, and what witnesses say is worth no wait.
                inbox.Offered(offer = offer with { Latency = latency });
            }
            finally
            {
                attested = await attesting.ConfigureAwait(false);
            }

            if (attested is not null) inbox.Offered(offer with { Attested = attested });
            await stream.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            MarketLog.OfferRefused(logger, e.Message);
            stream.Abort(e.Message);
        }
    }

    private static ToldOffer Check(PeerConnection connection, OfferPush push)
    {
        if (SessionLink.ProvedKey(connection) is not { } provider || !Offer.TryOpen(push.Offer, provider, out Offer? offer))
            throw new SessionException(SessionError.BadSignature, "The offer is not that of the peer that tells it.");
        if (!SignedPeerRecord.TryOpen(push.SignedRecord.Span, out SignedPeerRecord? record) || record.PeerId != connection.RemotePeer || record.Addresses.Count == 0)
            throw new SessionException(SessionError.Malformed, "The record is not that of the peer that tells it, or names no address.");
        return new ToldOffer(connection.RemotePeer, record.Addresses, offer, null, connection.RemoteAddress.HostAddress);
    }

    private sealed class Inbox(Action<ToldOffer> offered, int capacity)
    {
        private int _count;

        internal bool IsEmpty => Volatile.Read(ref _count) == 0;

        internal void Offered(ToldOffer offer) => offered(offer);

        internal bool TryCount() => Interlocked.Increment(ref _count) <= capacity;
    }
}
