using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Encoding;

namespace Overlay.Market.Witnessing;

/// <summary>What is said first on a stream of <c>/overlay/attestation/1</c>: <c>[1, 1, attestation]</c> hands one over, <c>[1, 2, provider, firstEpoch]</c>
/// asks for those of a provider.</summary>
internal abstract record AttestationRequest
{
    internal const int MaxSize = Attestation.MaxSize + 16;

    private const ulong Version = 1, PushKind = 1, AskKind = 2;

    internal abstract byte[] Encode();

    /// <summary>Reads a request and checks the signature in it; null for anything else.</summary>
    internal static AttestationRequest? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length > MaxSize) return null;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(3, 4, out int count) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadUInt64(AskKind, out ulong kind)) return null;
        if (kind == PushKind && count == 3)
        {
            return reader.TryReadBytes(1, Attestation.MaxSize, out ReadOnlySpan<byte> bytes) && reader.IsComplete
                && Attestation.TryDecode(bytes, out Attestation? attestation)
                ? new Push(attestation)
                : null;
        }

        return kind == AskKind && count == 4 && reader.TryReadPublicKey(out PublicKey provider) && reader.TryReadUInt64(uint.MaxValue, out ulong first)
            && reader.IsComplete
            ? new Ask(provider, first)
            : null;
    }

    /// <summary>Hands an attestation to the provider that it is about; the other side half-closes when it has taken it, and resets the stream when it has
    /// not.</summary>
    internal sealed record Push(Attestation Attestation) : AttestationRequest
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write(Version).Write(PushKind).Write(Attestation.Encode()).ToArray();
    }

    /// <summary>Asks for what is held of a provider, from an epoch on.</summary>
    internal sealed record Ask(PublicKey Provider, ulong FirstEpoch) : AttestationRequest
    {
        internal override byte[] Encode() => new CanonicalWriter(4).Write(Version).Write(AskKind).Write(Provider.Bytes).Write(FirstEpoch).ToArray();
    }
}

/// <summary>What is held of a provider: <c>[1, [attestation…]]</c>, ascending by epoch and then by witness, none twice.</summary>
internal static class AttestationAnswer
{
    /// <summary>Most attestations in an answer: three for each of 48 epochs.</summary>
    internal const int MaxCount = 144;

    internal const int MaxSize = MaxCount * (Attestation.MaxSize + 3) + 16;

    private const ulong Version = 1;

    /// <summary>The wire form; the newest stay where there are too many.</summary>
    internal static byte[] Encode(IEnumerable<Attestation> attestations)
    {
        Attestation[] ordered = [.. Ordered(attestations).TakeLast(MaxCount)];
        return new CanonicalWriter(2).Write(Version).WriteArray(ordered.Length, list =>
        {
            foreach (Attestation attestation in ordered) list.Write(attestation.Encode());
        }).ToArray();
    }

    /// <summary>Reads an answer about a provider, and checks each signature; null for bytes that are none, or where one is about somebody else, is the
    /// provider's own, or stands out of order.</summary>
    internal static IReadOnlyList<Attestation>? Decode(ReadOnlySpan<byte> encoded, PublicKey provider)
    {
        if (encoded.Length > MaxSize) return null;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(2) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadArrayHeader(0, MaxCount, out int count)) return null;
        var attestations = new List<Attestation>();
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadBytes(1, Attestation.MaxSize, out ReadOnlySpan<byte> bytes)
                || !Attestation.TryDecode(bytes, out Attestation? attestation)) return null;
            AttestationBody body = attestation.Body;
            if (body.Provider != provider || body.Witness == provider || (i > 0 && Compare(attestations[^1], attestation) >= 0)) return null;
            attestations.Add(attestation);
        }

        return reader.IsComplete ? attestations : null;
    }

    internal static IEnumerable<Attestation> Ordered(IEnumerable<Attestation> attestations) => attestations.Order(Comparer<Attestation>.Create(Compare));

    private static int Compare(Attestation one, Attestation other)
    {
        int order = one.Body.Epoch.CompareTo(other.Body.Epoch);
        return order != 0 ? order : one.Body.Witness.CompareTo(other.Body.Witness);
    }
}
