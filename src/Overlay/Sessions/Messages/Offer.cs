using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;

namespace Overlay.Sessions.Messages;

/// <summary>A provider's signed terms, to which a session is bound. See docs/protocols/offer.md.</summary>
/// <remarks>Body: <c>[1, nonce, providerKey, region, pricePerGiB, creditWindow, maxMbps, exitPolicyDigest, notAfter, ledgerHead]</c>.</remarks>
internal sealed record Offer
{
    internal const int MaxBodySize = 512;
    internal const int MaxEnvelopeSize = MaxBodySize + 128;

    private const int RegionSize = 2;

    private static ReadOnlySpan<byte> Domain => "overlay/offer/1\0"u8;

    internal required Digest Nonce { get; init; }

    internal required PublicKey Provider { get; init; }

    /// <summary>ISO 3166-1 alpha-2, or <c>ZZ</c>.</summary>
    internal required string Region { get; init; }

    /// <summary>Micro-credits for a GiB.</summary>
    internal required ulong PricePerGiB { get; init; }

    /// <summary>The largest credit window in bytes that the provider will ever grant.</summary>
    internal required ulong CreditWindow { get; init; }

    /// <summary>The most the provider gives one session, in megabits per second; 0 for no limit.</summary>
    internal required uint MaxMbps { get; init; }

    internal required Digest ExitPolicy { get; init; }

    /// <summary>Last second at which a session may be opened on it, Unix time.</summary>
    internal required ulong NotAfter { get; init; }

    /// <summary>Newest block of the provider's ledger; zero while it has none.</summary>
    internal required Digest LedgerHead { get; init; }

    /// <summary>The signed bytes as they came or were made.</summary>
    internal required SignedEnvelope Envelope { get; init; }

    /// <summary>The offer's id: SHA-256 over domain tag and body, as of every object; it cannot stand inside the body.</summary>
    internal Digest Id => new(SHA256.HashData([.. Domain, .. Envelope.Body.Span]));

    /// <summary>Makes and signs an offer.</summary>
    internal static Offer Create(ProviderTerms terms, ISigner provider, DateTimeOffset now, Digest ledgerHead = default)
    {
        var nonce = new Digest(RandomNumberGenerator.GetBytes(Digest.Size));
        ulong notAfter = checked((ulong)(now + terms.OfferLifetime).ToUnixTimeSeconds());
        byte[] body = new CanonicalWriter(10)
            .Write(1).Write(nonce.Bytes).Write(provider.PublicKey.Bytes).Write(terms.Region).Write(terms.PricePerGiB).Write((ulong)terms.MaxCreditWindow)
            .Write(terms.MaxMbps).Write(terms.ExitPolicy.Bytes).Write(notAfter).Write(ledgerHead.Bytes).ToArray();
        return TryOpen(SignedEnvelope.Sign(provider, Domain, [], body), provider.PublicKey, out Offer? offer)
            ? offer
            : throw new InvalidOperationException("The provider's own offer does not verify: the signer does not hold the key it names.");
    }

    /// <summary>Checks the signature, then reads the body. False for anything that <paramref name="provider"/> did not sign in just this form.</summary>
    internal static bool TryOpen(SignedEnvelope envelope, PublicKey provider, [NotNullWhen(true)] out Offer? offer)
    {
        offer = null;
        if (envelope.Body.Length > MaxBodySize || !envelope.IsSignedBy(provider, Domain, [])) return false;
        var reader = new CanonicalReader(envelope.Body.Span);
        if (!reader.TryReadArrayHeader(10) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadDigest(out Digest nonce)
            || !reader.TryReadPublicKey(out PublicKey key) || key != provider
            || !reader.TryReadString(RegionSize, out string region) || !IsRegion(region)
            || !reader.TryReadUInt64(long.MaxValue, out ulong price)
            || !reader.TryReadUInt64(CreditWindowRule.Largest, out ulong creditWindow) || creditWindow < CreditWindowRule.Smallest
            || !reader.TryReadUInt32(uint.MaxValue, out uint maxMbps)
            || !reader.TryReadDigest(out Digest exitPolicy)
            || !reader.TryReadUInt64(long.MaxValue, out ulong notAfter)
            || !reader.TryReadDigest(out Digest ledgerHead)
            || !reader.IsComplete) return false;

        offer = new Offer
        {
            Nonce = nonce,
            Provider = key,
            Region = region,
            PricePerGiB = price,
            CreditWindow = creditWindow,
            MaxMbps = maxMbps,
            ExitPolicy = exitPolicy,
            NotAfter = notAfter,
            LedgerHead = ledgerHead,
            Envelope = envelope,
        };
        return true;
    }

    internal static bool IsRegion(string region) => region is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'];
}
