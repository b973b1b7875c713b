using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Sharing;

/// <summary>An owner's consent to let strangers use the line, signed with the node's key. See docs/protocols/consent.md.</summary>
/// <remarks>It is for one key, so that none can be shipped with a program, and for what its text said would be opened. It comes to be only by a question that
/// was answered. Immutable.</remarks>
public sealed class SharingConsent
{
    internal const int MaxNameLength = 128;

    // A name of at most three bytes a character, and ranges of at most seven bytes each.
    internal const int MaxBodySize = 8192, MaxRanges = 1024;

    private const int Version = 1, FieldCount = 10;

    private SharingConsent()
    {
    }

    /// <summary>The key of the node that may share.</summary>
    public PublicKey Node { get; private init; }

    /// <summary>Which version of the text was shown.</summary>
    public int TextVersion { get; private init; }

    /// <summary>SHA-256 of the whole text that was shown.</summary>
    public Digest TextHash { get; private init; }

    /// <summary>When it was given, to a second.</summary>
    public DateTimeOffset GivenAt { get; private init; }

    /// <summary>Who gave it, in the words of the program that asked.</summary>
    public string GivenBy { get; private init; } = "";

    /// <summary>The region that the exit may stand in.</summary>
    public Region Region { get; private init; }

    /// <summary>The ports of targets that may be open, ascending, neighbours joined.</summary>
    public IReadOnlyList<PortRange> Ports { get; private init; } = [];

    /// <summary>Whether the owner's own networks may be open.</summary>
    public bool AllowPrivateTargets { get; private init; }

    /// <summary>When it was withdrawn, to a second; null while it stands.</summary>
    public DateTimeOffset? WithdrawnAt { get; private init; }

    /// <summary>Whether it stands: not withdrawn, and given to the present text.</summary>
    public bool IsInForce => WithdrawnAt is null && TextVersion == ConsentText.CurrentVersion && TextHash == new ConsentText(Region, Ports,
        AllowPrivateTargets).Hash;

    /// <summary>The signed record as it is stored.</summary>
    internal byte[] Encoded { get; private init; } = [];

    private static ReadOnlySpan<byte> Domain => "overlay/consent/1\0"u8;

    /// <summary>Finds the consent to share with a data folder's key, or else asks for it and stores it there.</summary>
    /// <param name="dataDirectory">The node's <see cref="OverlayOptions.DataDirectory"/>. A key that is missing is made.</param>
    /// <param name="sharing">What is to be shared.</param>
    /// <param name="ask">Shows the text and brings the answer; not called when a consent that allows all of it is in force.</param>
    /// <param name="timeProvider">Tells when it is given; the system's when null.</param>
    /// <param name="cancellationToken">Gives up; nothing is stored.</param>
    /// <returns>The consent, or null when the owner has declined.</returns>
    /// <exception cref="OverlayException">The folder, its key or the record cannot be used (<see cref="OverlayError.DataDirectory"/>), or the answer is to
    /// another text.</exception>
    public static async Task<SharingConsent?> AskAsync(
        string dataDirectory, SharingOptions sharing, ConsentQuestion ask, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        ArgumentNullException.ThrowIfNull(sharing);
        ArgumentNullException.ThrowIfNull(ask);
        using PeerIdentity identity = ConsentFile.WithFolder(() => PeerIdentityFile.LoadOrCreate(Path.Combine(dataDirectory, OverlayFiles.Key)));
        var signer = new IdentitySigner(identity);
        if (ConsentFile.Find(dataDirectory, signer.PublicKey) is { } found && found.FindObjection(sharing) is null) return found;
        SharingConsent? given = await AskForAsync(signer, sharing, ask, timeProvider ?? TimeProvider.System, cancellationToken).ConfigureAwait(false);
        if (given is not null) ConsentFile.Store(dataDirectory, given);
        return given;
    }

    /// <summary>Finds the consent that a data folder holds for its key, in force or withdrawn; null where there is none.</summary>
    /// <exception cref="OverlayException">The folder, its key or the record cannot be read.</exception>
    public static SharingConsent? Find(string dataDirectory)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        using PeerIdentity? identity = ConsentFile.FindIdentity(dataDirectory);
        return identity is null ? null : ConsentFile.Find(dataDirectory, new IdentitySigner(identity).PublicKey);
    }

    /// <summary>Withdraws the consent that a data folder holds. A node that runs on the folder notices within a second, cuts what is open and serves nobody
    /// from then on.</summary>
    /// <param name="dataDirectory">The node's folder.</param>
    /// <param name="timeProvider">Tells when it is withdrawn; the system's when null.</param>
    /// <returns>The consent as withdrawn; null where there was none.</returns>
    /// <exception cref="OverlayException">The folder, its key or the record cannot be read or written.</exception>
    public static SharingConsent? Withdraw(string dataDirectory, TimeProvider? timeProvider = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        using PeerIdentity? identity = ConsentFile.FindIdentity(dataDirectory);
        if (identity is null) return null;
        var signer = new IdentitySigner(identity);
        if (ConsentFile.Find(dataDirectory, signer.PublicKey) is not { } found) return null;
        if (found.WithdrawnAt is not null) return found;
        SharingConsent withdrawn = found.WithdrawWith(signer, timeProvider ?? TimeProvider.System);
        ConsentFile.Store(dataDirectory, withdrawn);
        return withdrawn;
    }

    /// <summary>Asks, without a folder.</summary>
    internal static async Task<SharingConsent?> AskForAsync(ISigner signer, SharingOptions sharing, ConsentQuestion ask, TimeProvider time,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<PortRange> ports = GuardedPorts.Join(sharing.OpenPorts);
        ConsentText text = ConsentText.Of(sharing);
        ConsentAnswer? answer = await ask(text, cancellationToken).ConfigureAwait(false);
        if (answer?.By is not { } by) return null;
        if (answer.Text != text.Hash) throw new OverlayException(OverlayError.NoConsent, "The answer is to another text than the one that was asked with.");
        return Sign(signer, ConsentText.CurrentVersion, text.Hash, time.GetUtcNow(), by, sharing.Region, ports, sharing.AllowPrivateTargets, null);
    }

    /// <summary>The same, withdrawn now.</summary>
    internal SharingConsent WithdrawWith(ISigner signer, TimeProvider time) =>
        Sign(signer, TextVersion, TextHash, GivenAt, GivenBy, Region, Ports, AllowPrivateTargets, time.GetUtcNow());

    /// <summary>Why sharing in this way is not allowed by it, as the rest of a sentence; null when it is.</summary>
    public string? FindObjection(SharingOptions sharing)
    {
        ArgumentNullException.ThrowIfNull(sharing);
        if (WithdrawnAt is { } withdrawn)
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"it was withdrawn at {withdrawn:yyyy-MM-dd HH:mm:ss} UTC");
        if (!IsInForce) return $"it was given to text {TextVersion}, and the text has changed since";
        if (sharing.Region != Region) return $"it is for region {Region} and not for {sharing.Region}";
        if (sharing.AllowPrivateTargets && !AllowPrivateTargets) return "it leaves the owner's own networks closed";
        foreach (int port in sharing.OpenPorts)
            if (!Ports.Any(range => range.Contains(port))) return $"it does not open port {port}";
        return null;
    }

    /// <summary>Checks the signature, then reads the record. False for anything that <paramref name="node"/> did not sign in just this form.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> encoded, PublicKey node, [NotNullWhen(true)] out SharingConsent? consent)
    {
        consent = null;
        if (!SignedEnvelope.TryDecode(encoded, MaxBodySize, out SignedEnvelope envelope) || !envelope.IsSignedBy(node, Domain, [])) return false;
        var reader = new CanonicalReader(envelope.Body.Span);
        if (!reader.TryReadArrayHeader(FieldCount) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadPublicKey(out PublicKey key) || key != node
            || !reader.TryReadUInt32(int.MaxValue, out uint textVersion) || textVersion == 0
            || !reader.TryReadDigest(out Digest textHash)
            || !TryReadTime(ref reader, out ulong givenAt)
            || !reader.TryReadString(MaxNameLength * 3, out string by) || by.Length is 0 or > MaxNameLength || by.Any(char.IsControl)
            || !reader.TryReadString(2, out string code) || !Region.TryParse(code, out Region region) || region.Code != code
            || !TryReadPorts(ref reader, out IReadOnlyList<PortRange> ports)
            || !reader.TryReadBoolean(out bool isPrivate)
            || !TryReadTime(ref reader, out ulong withdrawnAt)
            || !reader.IsComplete) return false;

        consent = new SharingConsent
        {
            Node = key,
            TextVersion = (int)textVersion,
            TextHash = textHash,
            GivenAt = DateTimeOffset.FromUnixTimeSeconds((long)givenAt),
            GivenBy = by,
            Region = region,
            Ports = ports,
            AllowPrivateTargets = isPrivate,
            WithdrawnAt = withdrawnAt == 0 ? null : DateTimeOffset.FromUnixTimeSeconds((long)withdrawnAt),
            Encoded = encoded.ToArray(),
        };
        return true;
    }

    private static SharingConsent Sign(
        ISigner signer, int textVersion, Digest textHash, DateTimeOffset givenAt, string by, Region region, IReadOnlyList<PortRange> ports,
            bool allowPrivateTargets,
        DateTimeOffset? withdrawnAt)
    {
        byte[] body = new CanonicalWriter(FieldCount)
            .Write((ulong)Version).Write(signer.PublicKey.Bytes).Write((ulong)textVersion).Write(textHash.Bytes).Write(Seconds(givenAt))
            .Write(by).Write(region.Code)
            .WriteArray(ports.Count, writer =>
            {
                foreach (PortRange range in ports) writer.WriteArray(2, pair => pair.Write((ulong)range.First).Write((ulong)range.Last));
            })
            .Write(allowPrivateTargets)
            .Write(withdrawnAt is { } at ? Math.Max(1, Seconds(at)) : 0)
            .ToArray();
        return TryOpen(SignedEnvelope.Sign(signer, Domain, [], body).Encode(), signer.PublicKey, out SharingConsent? consent)
            ? consent
            : throw new InvalidOperationException("The node's own consent does not verify.");
    }

    private static ulong Seconds(DateTimeOffset time) => (ulong)Math.Max(0, time.ToUnixTimeSeconds());

    // The last second that DateTimeOffset knows.
    private static bool TryReadTime(ref CanonicalReader reader, out ulong seconds) => reader.TryReadUInt64(253_402_300_799, out seconds);

    // One form for one set of ports: ascending, with a gap between any two ranges.
    private static bool TryReadPorts(ref CanonicalReader reader, out IReadOnlyList<PortRange> ports)
    {
        ports = [];
        if (!reader.TryReadArrayHeader(1, MaxRanges, out int count)) return false;
        var ranges = new PortRange[count];
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadArrayHeader(2) || !reader.TryReadUInt32(65535, out uint first) || !reader.TryReadUInt32(65535, out uint last)) return false;
            if (first == 0 || last < first || (i > 0 && first <= ranges[i - 1].Last + 1)) return false;
            ranges[i] = new PortRange((int)first, (int)last);
        }

        ports = ranges;
        return true;
    }
}
