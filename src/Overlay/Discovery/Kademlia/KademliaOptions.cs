using System.Runtime.CompilerServices;
using Overlay.Discovery.Addresses;

namespace Overlay.Discovery.Kademlia;

/// <summary>Which part a node takes in the DHT (kad-dht specification, "Client and server mode").</summary>
public enum KademliaMode
{
    /// <summary>Asks others and answers nobody; for nodes that cannot be dialled.</summary>
    Client = 1,

    /// <summary>Asks, answers and stores; for nodes that others can dial.</summary>
    Server,
}

/// <summary>Limits, deadlines and intervals of the DHT. Immutable; change with <c>with</c>. A wrong value throws when it is set and says what is
/// allowed.</summary>
public sealed record KademliaOptions
{
    /// <summary>The protocol id of Overlay's own network.</summary>
    public const string OverlayProtocol = "/overlay/kad/1.0.0";

    /// <summary>The protocol id of the public IPFS network.</summary>
    public const string IpfsProtocol = "/ipfs/kad/1.0.0";

    /// <summary>The network: peers of another id are not seen. <see cref="OverlayProtocol"/>.</summary>
    public string Protocol
    {
        get;
        init => field = value is { Length: > 1 and <= 256 } && value[0] == '/' && !value.Contains('\n', StringComparison.Ordinal)
            ? value
            : throw new ArgumentException($"'{value}' is no protocol id such as {OverlayProtocol}.", nameof(Protocol));
    } = OverlayProtocol;

    /// <summary>Client or server. Server.</summary>
    public KademliaMode Mode
    {
        get;
        init => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(Mode), value, "Client or Server.");
    } = KademliaMode.Server;

    /// <summary>k: peers of a bucket, and peers that a record is stored on. 20 (kad-dht specification). 1 to 64.</summary>
    public int BucketSize { get; init => field = Within(value, 1, 64); } = 20;

    /// <summary>α: requests of one lookup at once. 10 (kad-dht specification). 1 to 64.</summary>
    public int Parallelism { get; init => field = Within(value, 1, 64); } = 10;

    /// <summary>Paths of a lookup that share no peer whose word they follow, so that one liar misleads one of them (S/Kademlia, section 4.4). 3. 1 to
    /// 8.</summary>
    public int DisjointPaths { get; init => field = Within(value, 1, 8); } = 3;

    /// <summary>Whether addresses of private networks and of this host are dialled and passed on, and then not limited by network. False: only a test or an
    /// isolated network wants it.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>Most peers of one IPv4 /24 or IPv6 /56 in a bucket. 2. 1 to 64.</summary>
    public int MaxPeersPerNetworkInBucket { get; init => field = Within(value, 1, 64); } = 2;

    /// <summary>Most peers of one IPv4 /24 or IPv6 /56 in the table, and in the result of a lookup. 3. 1 to 1,024.</summary>
    public int MaxPeersPerNetwork { get; init => field = Within(value, 1, 1024); } = 3;

    /// <summary>Addresses of one peer that are kept and passed on. 16. 1 to 64.</summary>
    public int MaxAddressesPerPeer { get; init => field = Within(value, 1, 64); } = 16;

    /// <summary>Bytes of one peer's addresses that are kept and passed on. 1 KiB; sixteen of IPv6 take 350. 64 B to 64 KiB.</summary>
    public int MaxAddressBytesPerPeer { get; init => field = Within(value, 64, 65536); } = 1024;

    /// <summary>Answers of distinct peers that a value is read from before the best is returned. 4. 1 to 64.</summary>
    public int ReadQuorum { get; init => field = Within(value, 1, 64); } = 4;

    /// <summary>Peers that a record is stored on at most, where its key's neighbourhood is crowded. 128. 1 to 1,024.</summary>
    public int MaxRegionPeers { get; init => field = Within(value, 1, 1024); } = 128;

    /// <summary>How long one request may take, dialling included. 10 s.</summary>
    public TimeSpan RequestTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>After how long a request no longer counts among the parallel ones, and after twice as long a lookup ends without it, so that a silent peer
    /// does not
    /// hold it up. 1.5 s.</summary>
    public TimeSpan StallTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a lookup may take; it then ends with the best that it has. 30 s.</summary>
    public TimeSpan LookupTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>Peers dialled at once only to see whether they may enter the table. 16; half of them for peers that came by themselves. 2 to 256.</summary>
    public int MaxChecks { get; init => field = Within(value, 2, 256); } = 16;

    /// <summary>How long a peer that came by itself, or of which was told, is not dialled again after that was in vain. From 1 min to 1 h.</summary>
    public BackoffOptions CheckBackoff { get; init => field = value ?? throw new ArgumentNullException(nameof(CheckBackoff)); } = new()
    {
        Initial = TimeSpan.FromMinutes(1),
        Longest = TimeSpan.FromHours(1),
    };

    /// <summary>How often the table is refreshed where no lookup has gone; half as long again where hardly a request fails, for there hardly a peer has come or gone. 10 min (kad-dht specification, "Bootstrap process").</summary>
    public TimeSpan RefreshInterval { get; init => field = Positive(value); } = TimeSpan.FromMinutes(10);

    /// <summary>How soon at the earliest a bucket that has lost peers is refreshed again. 30 s.</summary>
    public TimeSpan RepairInterval { get; init => field = Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How often this node's own values and provider records are stored anew. 22 h (kad-dht specification).</summary>
    public TimeSpan RepublishInterval { get; init => field = Positive(value); } = TimeSpan.FromHours(22);

    /// <summary>How long a provider record that is not renewed is kept for others. 48 h (kad-dht specification).</summary>
    public TimeSpan ProviderExpiry { get; init => field = Positive(value); } = TimeSpan.FromHours(48);

    /// <summary>How long a provider's addresses are passed on with its name. 30 min, as kubo does (kad-dht specification).</summary>
    public TimeSpan ProviderAddressExpiry { get; init => field = Positive(value); } = TimeSpan.FromMinutes(30);

    /// <summary>How long a value that is not renewed is kept for others. 48 h, as for provider records.</summary>
    public TimeSpan ValueExpiry { get; init => field = Positive(value); } = TimeSpan.FromHours(48);

    /// <summary>Largest value in bytes that is stored or taken. 16 KiB. 1 B to 64 KiB.</summary>
    public int MaxValueSize { get; init => field = Within(value, 1, 65536); } = 16384;

    /// <summary>Values kept for others. 4,096. 1 to 1,000,000.</summary>
    public int MaxValueCount { get; init => field = Within(value, 1, 1_000_000); } = 4096;

    /// <summary>Bytes of values kept for others. 16 MiB.</summary>
    public long MaxValueMemory { get; init => field = value >= 65536 ? value : throw new ArgumentOutOfRangeException(nameof(MaxValueMemory), value, "At least 65536 bytes."); } = 16L << 20;

    /// <summary>Values kept for one peer, and for one network eight times as many. 64. 1 to 1,000,000.</summary>
    public int MaxValuesPerPeer { get; init => field = Within(value, 1, 1_000_000); } = 64;

    /// <summary>Keys for which providers are kept. 8,192. 1 to 1,000,000.</summary>
    public int MaxProviderKeyCount { get; init => field = Within(value, 1, 1_000_000); } = 8192;

    /// <summary>Providers kept for one key. 128. 1 to 4,096.</summary>
    public int MaxProvidersPerKey { get; init => field = Within(value, 1, 4096); } = 128;

    /// <summary>Bytes of provider records kept for others, with what they take beside their addresses. 32 MiB. At least 64 KiB.</summary>
    public long MaxProviderMemory
    {
        get;
        init => field = value >= 65536 ? value : throw new ArgumentOutOfRangeException(nameof(MaxProviderMemory), value, "At least 65536 bytes.");
    } = 32L << 20;

    /// <summary>Provider records of one key from one network. 8. 1 to 4,096.</summary>
    public int MaxProvidersPerKeyAndNetwork { get; init => field = Within(value, 1, 4096); } = 8;

    /// <summary>Keys that one peer is kept as provider of, and for one network eight times as many. 256. 1 to 1,000,000.</summary>
    public int MaxKeysPerProvider { get; init => field = Within(value, 1, 1_000_000); } = 256;

    /// <summary>Largest message taken, in bytes. 128 KiB, five times an answer with twenty peers of sixteen addresses. 4 KiB to 4 MiB.</summary>
    public int MaxMessageSize { get; init => field = Within(value, 4096, 4 << 20); } = 131_072;

    /// <summary>Peers named in a message that is taken; a message with more is refused whole. 256. 1 to 4,096.</summary>
    public int MaxPeersPerMessage { get; init => field = Within(value, 1, 4096); } = 256;

    /// <summary>Addresses of one peer in a message that is taken; a message with more is refused whole. 128. 1 to 4,096.</summary>
    public int MaxWireAddressesPerPeer { get; init => field = Within(value, 1, 4096); } = 128;

    /// <summary>Lookups that callers have under way at once; one more is refused. 64. 1 to 4,096.</summary>
    public int MaxOperations { get; init => field = Within(value, 1, 4096); } = 64;

    /// <summary>Validators of one's own by namespace, the first part of a key: <c>app</c> for <c>/app/…</c>. Those of <c>pk</c> and <c>overlay</c> are
    /// built in.</summary>
    public IReadOnlyDictionary<string, IRecordValidator> Validators
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(Validators));
    } = new Dictionary<string, IRecordValidator>();

    private static TimeSpan Positive(TimeSpan value, [CallerMemberName] string option = "") =>
        value > TimeSpan.Zero && value <= TimeSpan.FromDays(365) ? value : throw new ArgumentOutOfRangeException(option, value, "Must be above zero and at most a year.");

    private static int Within(int value, int least, int most, [CallerMemberName] string option = "") =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(option, value, $"{least} to {most}.");
}
