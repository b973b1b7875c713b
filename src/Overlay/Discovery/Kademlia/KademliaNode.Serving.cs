using Overlay.Discovery.Kademlia.Stores;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

internal sealed partial class KademliaNode
{
    // Providers in one answer: with their addresses well below the largest message.
    private const int MaxProvidersInAnswer = 64;

    /// <summary>Longest key of a provider record, in bytes: a multihash of the longest digest in use, 64 bytes, has room; go-libp2p takes no longer key
    /// either.</summary>
    internal const int MaxProviderKeySize = 80;

    /// <summary>Requests that were refused: not a request at all, without a needed part, or with a value that does not stand its test.</summary>
    internal long RefusedRequests { get; private set; }

    /// <summary>Answers a request.</summary>
    /// <param name="origin">Who asks.</param>
    /// <param name="request">What.</param>
    /// <param name="now">The time.</param>
    /// <param name="answer">The answer; null where none is due.</param>
    /// <returns>False for what must not be asked so: the stream is to be reset.</returns>
    internal bool TryServe(RequestOrigin origin, KademliaMessage request, TimeSpan now, out KademliaMessage? answer)
    {
        answer = null;
        MeetAsker(origin, now);
        if (!IsServer || (request.Key.IsEmpty && request.Type != KademliaMessageType.Ping)) return Refuse();
        switch (request.Type)
        {
            case KademliaMessageType.FindNode:
                answer = WithCloser(new KademliaMessage(request.Type, request.Key), origin);
                return true;
            case KademliaMessageType.GetValue:
                answer = WithCloser(new KademliaMessage(request.Type, request.Key) { Record = Values.Find(Key.Of(request.Key.Span), now) }, origin);
                return true;
            case KademliaMessageType.PutValue:
                answer = request with { CloserPeers = [], ProviderPeers = [] };
                return TryStoreValue(origin, request, now) || Refuse();
            case KademliaMessageType.GetProviders:
                if (request.Key.Length > MaxProviderKeySize) return Refuse();
                Key wanted = Key.Of(request.Key.Span);
                List<Contact> providers = Providers.Find(wanted, MaxProvidersInAnswer, now);
                if (_provided.ContainsKey(wanted) && Self.Addresses.Count != 0) providers.Insert(0, Self);
                answer = WithCloser(new KademliaMessage(request.Type, request.Key) { ProviderPeers = providers }, origin);
                return true;
            case KademliaMessageType.AddProvider:
                return TryStoreProvider(origin, request, now) || Refuse();
            default:
                answer = request with { CloserPeers = [], ProviderPeers = [], Record = null };
                return true;
        }
    }

    private bool Refuse()
    {
        RefusedRequests++;
        return false;
    }

    private KademliaMessage WithCloser(KademliaMessage answer, RequestOrigin origin)
    {
        Key target = Key.Of(answer.Key.Span);
        List<Contact> closest = Table.Closest(target, _options.BucketSize, origin.Peer.Key);
        if (target == Self.Key && Self.Addresses.Count != 0)
        {
            closest.Insert(0, Self);
            if (closest.Count > _options.BucketSize) closest.RemoveAt(_options.BucketSize);
        }

        return answer with { CloserPeers = closest };
    }

    private bool TryStoreValue(RequestOrigin origin, KademliaMessage request, TimeSpan now)
    {
        if (request.Record is not { } record || !record.Key.Span.SequenceEqual(request.Key.Span)) return false;
        if (record.Value.Length > _options.MaxValueSize || !Rules.IsValid(record)) return false;
        Key place = Key.Of(record.Key.Span);
        if (Values.Find(place, now) is { } held && !held.Value.Span.SequenceEqual(record.Value.Span) && !Rules.IsBetter(record.Key.Span, held.Value.Span, record.Value.Span))
            return false;
        // Copied, so that a small record does not keep a large message alive.
        var kept = new KademliaRecord(record.Key.ToArray(), record.Value.ToArray(), Date(now));
        return Values.TryPut(place, kept, OwnerOf(origin), now);
    }

    private bool TryStoreProvider(RequestOrigin origin, KademliaMessage request, TimeSpan now)
    {
        if (request.Key.Length > MaxProviderKeySize) return false;
        // Nobody speaks for another: only what a peer says of itself is kept.
        Contact? named = request.ProviderPeers.FirstOrDefault(peer => peer.Id == origin.Peer.Id);
        return named is not null && Providers.TryAdd(Key.Of(request.Key.Span), Sanitize(named), OwnerOf(origin).Network, now);
    }

    private StoreOwner OwnerOf(RequestOrigin origin) =>
        new(origin.Peer.Key, origin.RemoteAddress is { } address ? _policy.LimitedGroup(address) : null);

    /// <summary>A server that asks may be worth knowing; it is dialled at an address that it names, never at the port that it came from.</summary>
    private void MeetAsker(RequestOrigin origin, TimeSpan now)
    {
        // Half of the checks are left for those of whom this node heard otherwise.
        if (!origin.IsServer || _checking.Count >= _options.MaxChecks / 2) return;
        Contact peer = Sanitize(origin.Peer);
        if (peer.Addresses.Count != 0 && Table.Judge(peer.Key, null) == TableVerdict.Wanted) Check(peer, now);
    }
}

/// <summary>Who sends a request.</summary>
/// <param name="Peer">The peer, proved by its connection, and the addresses that it says it listens at.</param>
/// <param name="IsServer">Whether it says that it serves the DHT.</param>
/// <param name="RemoteAddress">Where its connection comes from.</param>
internal readonly record struct RequestOrigin(Contact Peer, bool IsServer, Multiaddr? RemoteAddress);
