using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Claims;

/// <summary>What a witness says it saw of a provider in one epoch.</summary>
public sealed record AttestationBody
{
    /// <summary>The version that this code writes and reads.</summary>
    public const ulong Version = 1;

    /// <summary>Largest encoded body in bytes; a decoder refuses more.</summary>
    public const int MaxSize = 256;

    /// <summary>Longest <see cref="ExitAddressPrefix"/> in bytes of UTF-8.</summary>
    public const int MaxPrefixSize = 64;

    /// <summary>Who saw it.</summary>
    public required PublicKey Witness { get; init; }

    /// <summary>Of whom.</summary>
    public required PublicKey Provider { get; init; }

    /// <summary>In which epoch (hours since the Unix epoch).</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Whether the provider could be reached.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Round trip in milliseconds.</summary>
    public required uint RttMillis { get; init; }

    /// <summary>Rate from the provider in Mbit/s.</summary>
    public required uint MbpsDown { get; init; }

    /// <summary>Rate to the provider in Mbit/s.</summary>
    public required uint MbpsUp { get; init; }

    /// <summary>Prefix of the address from which the provider's exit came, as <c>198.51.100.0/24</c>; empty when it was not seen.</summary>
    public required string ExitAddressPrefix { get; init; }

    /// <summary>When, in seconds since the Unix epoch, by the witness's clock.</summary>
    public required ulong ObservedAt { get; init; }

    /// <summary>The body's one encoding.</summary>
    public byte[] Encode() => new CanonicalWriter(10)
        .Write(Version).Write(Witness.Bytes).Write(Provider.Bytes).Write(Epoch).Write(Reachable).Write(RttMillis).Write(MbpsDown).Write(MbpsUp)
        .Write(ExitAddressPrefix).Write(ObservedAt).ToArray();

    /// <summary>Decodes a body; false for any bytes that <see cref="Encode"/> would not have written, or fields out of their ranges.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out AttestationBody? body)
    {
        body = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(10) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadPublicKey(out PublicKey witness)
            || !reader.TryReadPublicKey(out PublicKey provider)
            || !reader.TryReadUInt64(uint.MaxValue, out ulong epoch)
            || !reader.TryReadBoolean(out bool reachable)
            || !reader.TryReadUInt32(uint.MaxValue, out uint rtt)
            || !reader.TryReadUInt32(uint.MaxValue, out uint down)
            || !reader.TryReadUInt32(uint.MaxValue, out uint up)
            || !reader.TryReadString(MaxPrefixSize, out string prefix)
            || !reader.TryReadUInt64(long.MaxValue, out ulong observedAt)
            || !reader.IsComplete) return false;
        body = new AttestationBody
        {
            Witness = witness,
            Provider = provider,
            Epoch = epoch,
            Reachable = reachable,
            RttMillis = rtt,
            MbpsDown = down,
            MbpsUp = up,
            ExitAddressPrefix = prefix,
            ObservedAt = observedAt,
        };
        return true;
    }
}

/// <summary>An attestation as it travels: <c>[bin body, bin signature]</c>, the witness's signature over <c>overlay/attestation/1\0</c> and the body.</summary>
/// <remarks>Immutable. The body's bytes are kept as received and never encoded again.</remarks>
public sealed class Attestation
{
    /// <summary>Largest encoded attestation in bytes.</summary>
    public const int MaxSize = AttestationBody.MaxSize + Ed25519.SignatureSize + 8;

    private readonly byte[] _encodedBody;
    private readonly byte[] _signature;

    private Attestation(AttestationBody body, byte[] encodedBody, byte[] signature)
    {
        Body = body;
        _encodedBody = encodedBody;
        _signature = signature;
    }

    private static ReadOnlySpan<byte> Domain => "overlay/attestation/1\0"u8;

    /// <summary>What was signed, decoded.</summary>
    public AttestationBody Body { get; }

    /// <summary>Makes and signs an attestation.</summary>
    /// <exception cref="ArgumentException">The signer's key is not the body's witness, or a field of the body is out of its range.</exception>
    public static Attestation Sign(AttestationBody body, ISigner witness)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(witness);
        if (witness.PublicKey != body.Witness) throw new ArgumentException("The signer is not the attestation's witness.", nameof(witness));
        byte[] encoded = body.Encode();
        if (!AttestationBody.TryDecode(encoded, out _)) throw new ArgumentException("A field of the body is out of its range.", nameof(body));
        byte[] signature = new byte[Ed25519.SignatureSize];
        witness.Sign([.. Domain, .. encoded], signature);
        return new Attestation(body, encoded, signature);
    }

    /// <summary>The attestation's wire form.</summary>
    public byte[] Encode() => new CanonicalWriter(2).Write(_encodedBody).Write(_signature).ToArray();

    /// <summary>Decodes an attestation and checks its signature.</summary>
    /// <returns>False for malformed bytes and for a signature that does not hold. Never throws on what a peer sent.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Attestation? attestation)
    {
        if (TryDecodeUnchecked(encoded, out attestation)
            && Ed25519.VerifyVarTime(attestation.Body.Witness, [.. Domain, .. attestation._encodedBody], attestation._signature)) return true;
        attestation = null;
        return false;
    }

    /// <summary>Decodes an attestation without looking at its signature, which the caller checks together with others.</summary>
    internal static bool TryDecodeUnchecked(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Attestation? attestation)
    {
        attestation = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(2)
            || !reader.TryReadBytes(1, AttestationBody.MaxSize, out ReadOnlySpan<byte> bodyBytes)
            || !reader.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out ReadOnlySpan<byte> signature)
            || !reader.IsComplete
            || !AttestationBody.TryDecode(bodyBytes, out AttestationBody? body)) return false;
        attestation = new Attestation(body, bodyBytes.ToArray(), signature.ToArray());
        return true;
    }

    internal void AddSignature(Ed25519Batch batch) => batch.Add(Body.Witness, [.. Domain, .. _encodedBody], _signature);
}
