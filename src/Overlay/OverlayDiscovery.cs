using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Reachability;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>Who is there, and who is where: the peers of this node, and peers, providers and values in the DHT (kad-dht specification; docs/discovery.md).</summary>
/// <remarks>Safe on several threads. Works by itself from the node's start to its end. What asks the DHT throws <see cref="InvalidOperationException"/> when
/// <see cref="DiscoveryOptions.Kademlia"/> is not set.</remarks>
public sealed class OverlayDiscovery
{
    private static readonly byte[] s_sha256Multihash = [0x12, 0x20];

    private readonly PeerFinder _finder;
    private readonly KademliaDiscovery? _kademlia;
    private readonly PeerIdentity _identity;
    private readonly TimeProvider _time;

    internal OverlayDiscovery(PeerFinder finder, KademliaDiscovery? kademlia, PeerIdentity identity, TimeProvider time)
    {
        _finder = finder;
        _kademlia = kademlia;
        _identity = identity;
        _time = time;
    }

    /// <summary>Peers with a connection, the longest connected first, then those that are only seen on the local network. A snapshot.</summary>
    public IReadOnlyList<NetworkPeer> Peers => _finder.Peers;

    /// <summary>Whether and where others can dial this node, as far as is known.</summary>
    public ReachabilityReport Reachability => _finder.Reachability;

    /// <summary>Peers of the DHT that this node knows to answer; 0 when it is not in the DHT.</summary>
    public int PeerCount => _kademlia?.TableCount ?? 0;

    private KademliaDiscovery Kademlia => _kademlia ?? throw new InvalidOperationException($"This node is not in the DHT: {nameof(DiscoveryOptions)}.{nameof(DiscoveryOptions.Kademlia)} is not set.");

    /// <summary>The peers of the node that runs on a data folder, in another process say, as it told them last.</summary>
    /// <returns>Null when no node runs there.</returns>
    /// <exception cref="OverlayException">The folder cannot be read.</exception>
    public static IReadOnlyList<NetworkPeer>? ReadRunning(string dataDirectory) => PeerFinder.ReadRunning(dataDirectory);

    /// <summary>Changes among the peers: first everybody who is there already, then whoever comes and goes, until cancelled or the node stops.</summary>
    /// <remarks>A slow reader misses what has passed meanwhile: a peer that came and went between two elements does not appear.</remarks>
    public IAsyncEnumerable<PeerChange> WatchPeersAsync(CancellationToken cancellationToken = default) => _finder.WatchPeersAsync(cancellationToken);

    /// <summary>The addresses known of a peer that may be dialled now, best first: where it was last reached, then what it says of itself.</summary>
    public IReadOnlyList<Multiaddr> FindAddresses(PeerId peer) => _finder.FindAddresses(peer);

    /// <summary>Returns a connection to a peer whose addresses are known, dialling it if there is none.</summary>
    /// <exception cref="ConnectionException">It could not be reached, or no address of it is known.</exception>
    public ValueTask<PeerConnection> ConnectAsync(PeerId peer, CancellationToken cancellationToken = default) => _finder.ConnectAsync(peer, cancellationToken);

    /// <summary>The key under which a region's exits announce themselves: the sha2-256 multihash of <c>overlay/exit/1/</c> and the region's code.</summary>
    public static ReadOnlyMemory<byte> KeyOf(Region region) => (byte[])[.. s_sha256Multihash, .. SHA256.HashData(Encoding.ASCII.GetBytes("overlay/exit/1/" + region.Code))];

    /// <summary>The key of a value that a peer publishes: <c>/overlay/</c>, the peer's id, <c>/</c> and the name.</summary>
    /// <exception cref="ArgumentException">The name is not 1 to 128 printable ASCII characters without spaces.</exception>
    public static ReadOnlyMemory<byte> KeyOf(PeerId peer, string name)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return SignedValue.KeyOf(peer, name);
    }

    /// <summary>Looks for a peer's addresses. Those that may be dialled are known from then on (<see cref="FindAddresses"/>), so that
    /// <see cref="ConnectAsync"/> tries them.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Where others say that it is, best first; that it is there, dialling it must show. Null when nobody knows.</returns>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public async Task<PeerInfo?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        PeerInfo? found = await Kademlia.FindPeerAsync(peer, cancellationToken).ConfigureAwait(false);
        // In an isolated network every address is as good as the next.
        if (found is not null) _finder.Learn(peer, found.ListenAddresses, Kademlia.AllowsPrivateAddresses ? AddressScope.Loopback : AddressScope.Public);
        return found;
    }

    /// <summary>Looks for exits in a region and gives them as they are found. Each is only a claim until it is dialled; one may come a second time with
    /// more addresses.</summary>
    /// <param name="region">Where; <see cref="Region.Anywhere"/> for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <remarks>Break off the enumeration when enough was found: the search ends with it. It goes on to the end otherwise, because no single peer's word is
    /// enough.</remarks>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public IAsyncEnumerable<PeerInfo> FindProvidersAsync(Region region, CancellationToken cancellationToken = default) => FindProvidersAsync(KeyOf(region), cancellationToken);

    /// <summary>Looks for the providers of a key and gives them as they are found.</summary>
    /// <param name="multihash">The key, a multihash; others in the network take sha2-256 alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The key is empty or longer than 80 bytes.</exception>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public async IAsyncEnumerable<PeerInfo> FindProvidersAsync(ReadOnlyMemory<byte> multihash, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CheckKey(multihash);
        await foreach (PeerInfo provider in Kademlia.FindProvidersAsync(multihash, int.MaxValue, cancellationToken).ConfigureAwait(false)) yield return provider;
    }

    /// <summary>Announces this node as an exit of a region, now and anew as long as it runs.</summary>
    /// <returns>On how many peers the record was stored.</returns>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public Task<int> ProvideAsync(Region region, CancellationToken cancellationToken = default) => ProvideAsync(KeyOf(region), cancellationToken);

    /// <summary>Announces this node as provider of a key, now and anew as long as it runs.</summary>
    /// <param name="multihash">The key, a multihash; others in the network take sha2-256 alone.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>On how many peers the record was stored.</returns>
    /// <exception cref="ArgumentException">The key is empty or longer than 80 bytes.</exception>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public Task<int> ProvideAsync(ReadOnlyMemory<byte> multihash, CancellationToken cancellationToken = default)
    {
        CheckKey(multihash);
        return Kademlia.ProvideAsync(multihash, cancellationToken);
    }

    /// <summary>No longer announces this node as an exit of a region. Others forget it when their records expire, within 48 hours.</summary>
    /// <returns>Whether it was announced.</returns>
    public bool StopProviding(Region region) => StopProviding(KeyOf(region));

    /// <summary>No longer announces this node as provider of a key. Others forget it when their records expire, within 48 hours.</summary>
    /// <param name="multihash">The key that it was announced under.</param>
    /// <returns>Whether it was announced.</returns>
    /// <exception cref="ArgumentException">The key is empty or longer than 80 bytes.</exception>
    public bool StopProviding(ReadOnlyMemory<byte> multihash)
    {
        CheckKey(multihash);
        return Kademlia.StopProviding(multihash);
    }

    /// <summary>Signs a value and stores it under this node's part of the <c>/overlay/</c> namespace, now and anew as long as the node runs.</summary>
    /// <param name="name">The value's name: 1 to 128 printable ASCII characters without spaces.</param>
    /// <param name="payload">The value.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>On how many peers it was stored.</returns>
    /// <exception cref="ArgumentException">The name is not allowed, or the value is too large.</exception>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public Task<int> PublishAsync(string name, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> key = KeyOf(_identity.PeerId, name);
        // The sequence must grow with every value; the clock does, also across restarts.
        byte[] value = SignedValue.Seal(_identity, key.Span, (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds(), payload.Span);
        return Kademlia.PutValueAsync(key, value, cancellationToken);
    }

    /// <summary>Reads what a peer has published under a name.</summary>
    /// <returns>The newest value found, its signature checked; null when there is none.</returns>
    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public async Task<ReadOnlyMemory<byte>?> FindPublishedAsync(PeerId peer, string name, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> key = KeyOf(peer, name);
        ReadOnlyMemory<byte>? value = await Kademlia.GetValueAsync(key, null, cancellationToken).ConfigureAwait(false);
        return value is { } found && SignedValue.TryOpen(key.Span, found.Span, out SignedValue? opened) ? opened.Payload : null;
    }

    /// <summary>Stores a value on the peers nearest to its key, now and anew as long as the node runs.</summary>
    /// <param name="key">The key, <c>/namespace/…</c>, of a namespace that has a validator.</param>
    /// <param name="value">The value as it stands in the record.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>On how many peers it was stored.</returns>
    /// <exception cref="ArgumentException">No validator knows the key, or the value is not valid or too large.</exception>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        Kademlia.PutValueAsync(key, value, cancellationToken);

    /// <summary>Reads a value: the best valid one of those that <see cref="KademliaOptions.ReadQuorum"/> peers gave.</summary>
    /// <returns>The value as it stands in the record; null when there is none.</returns>
    /// <exception cref="OverlayException">Too much is being looked for already, or the node is stopping.</exception>
    public Task<ReadOnlyMemory<byte>?> GetValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) => Kademlia.GetValueAsync(key, null, cancellationToken);

    private static void CheckKey(ReadOnlyMemory<byte> multihash, [CallerArgumentExpression(nameof(multihash))] string name = "")
    {
        if (multihash.Length is 0 or > KademliaNode.MaxProviderKeySize) throw new ArgumentException($"A key has 1 to {KademliaNode.MaxProviderKeySize} bytes, not {multihash.Length}.", name);
    }
}
