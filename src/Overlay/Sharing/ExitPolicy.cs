using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;

namespace Overlay.Sharing;

/// <summary>What an exit connects to: by default ports 80 and 443 of global unicast addresses, and nothing else. Immutable; change with <c>with</c>.</summary>
/// <remarks>Safe on several threads. Whatever the options say, multicast, broadcast, the unspecified address, cloud metadata services, reserved
/// addresses and IPv6 forms that stand for IPv4 addresses are never dialled.</remarks>
internal sealed record ExitPolicy
{
    private const int Version = 1;

    /// <summary>The policy of an exit that was told nothing.</summary>
    public static ExitPolicy Default { get; } = new();

    /// <summary>Ports that may be dialled, each 1 to 65535. Default 80 and 443: the web, and no mail, remote shell or file sharing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A port is outside the range, or none is given.</exception>
    public ImmutableSortedSet<int> AllowedPorts
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.IsEmpty) throw new ArgumentOutOfRangeException(nameof(AllowedPorts), "none", "AllowedPorts needs at least one port; an exit without any shares nothing.");
            if (value.Min < 1 || value.Max > IPEndPoint.MaxPort)
                throw new ArgumentOutOfRangeException(nameof(AllowedPorts), value.Min < 1 ? value.Min : value.Max, "AllowedPorts takes ports from 1 to 65535.");
            field = value;
        }
    } = [80, 443];

    /// <summary>Also opens loopback, private, link-local, carrier, unique local, benchmarking and documentation networks and the host's own addresses, and names
    /// that only exist there. For tests and closed networks: it lets strangers into whatever this host can reach. Default false.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>Networks that the owner refuses on top, for example a NAT64 prefix of the owner's own or a company's public range. Default none.</summary>
    public ImmutableArray<IPNetwork> RefusedNetworks
    {
        get;
        init => field = value.IsDefault ? [] : value;
    } = [];

    /// <summary>SHA-256 over the policy's one canonical encoding, <c>[1, [port…], allowPrivateTargets, [network…]]</c> with ports ascending and networks
    /// in the ordinal order of their text, each once: what an offer names as its exit policy.</summary>
    public Digest Digest
    {
        get
        {
            string[] networks = [.. RefusedNetworks.Select(network => network.ToString()).Distinct().Order(StringComparer.Ordinal)];
            byte[] encoding = new CanonicalWriter(4)
                .Write((ulong)Version)
                .WriteArray(AllowedPorts.Count, writer =>
                {
                    foreach (int port in AllowedPorts) writer.Write((ulong)port);
                })
                .Write(AllowPrivateTargets)
                .WriteArray(networks.Length, writer =>
                {
                    foreach (string network in networks) writer.Write(network);
                })
                .ToArray();
            return new Digest(SHA256.HashData(encoding));
        }
    }

    /// <summary>Policies are equal when they allow the same, whatever the order in which they were written down.</summary>
    public bool Equals(ExitPolicy? other) => other is not null && Digest == other.Digest;

    /// <inheritdoc/>
    public override int GetHashCode() => Digest.GetHashCode();

    /// <summary>Whether a port may be dialled. Any number is an acceptable question.</summary>
    internal ExitVerdict CheckPort(int port) =>
        AllowedPorts.Contains(port) ? ExitVerdict.Allowed : new ExitVerdict(ExitRefusal.Port, AddressKind.Global, $"The exit does not connect to port {port}.");

    /// <summary>Whether an address may be dialled.</summary>
    /// <param name="address">The very address that will be dialled.</param>
    /// <param name="own">The exit host's addresses.</param>
    internal ExitVerdict CheckAddress(IPAddress address, IReadOnlySet<IPAddress> own)
    {
        AddressKind kind = SpecialAddresses.Classify(address);
        if (kind == AddressKind.Global && own.Contains(address)) kind = AddressKind.Own;
        foreach (IPNetwork network in RefusedNetworks)
            if (network.Contains(address)) kind = AddressKind.RefusedByOwner;
        return kind == AddressKind.Global || (AllowPrivateTargets && IsPrivate(kind)) ? ExitVerdict.Allowed : ExitVerdict.RefusedAddress(kind);
    }

    /// <summary>Whether a name may be looked up at all. What it resolves to is checked as well, and counts.</summary>
    internal ExitVerdict CheckName(string name) => SpecialNames.Classify(name) switch
    {
        NameKind.Public => ExitVerdict.Allowed,
        NameKind.Private when AllowPrivateTargets => ExitVerdict.Allowed,
        NameKind.Private => new ExitVerdict(ExitRefusal.Name, AddressKind.Global, "The exit does not look up names of private networks."),
        _ => new ExitVerdict(ExitRefusal.Name, AddressKind.Global, "The name is in a zone that the DNS does not serve."),
    };

    private static bool IsPrivate(AddressKind kind) => kind is AddressKind.Loopback or AddressKind.Private or AddressKind.LinkLocal or AddressKind.CarrierNat
        or AddressKind.UniqueLocal or AddressKind.Benchmarking or AddressKind.Documentation or AddressKind.Own;
}
