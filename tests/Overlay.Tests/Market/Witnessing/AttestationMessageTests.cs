using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Encoding;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestationMessageTests
{
    private static readonly PublicKey s_provider = Words.Provider.PublicKey;

    [Fact]
    public void Request_HandsOverOrAsks_AndHasOneEncoding()
    {
        byte[] push = new AttestationRequest.Push(Words.Make(10)).Encode(), ask = new AttestationRequest.Ask(s_provider, 7).Encode();
        Assert.Equal(push, Assert.IsType<AttestationRequest.Push>(AttestationRequest.Decode(push)).Encode());
        Assert.Equal(new AttestationRequest.Ask(s_provider, 7), AttestationRequest.Decode(ask));
        foreach (byte[] whole in new[] { push, ask })
        {
            for (int i = 0; i < whole.Length; i++) Assert.Null(AttestationRequest.Decode(whole.AsSpan(0, i)));
            Assert.Null(AttestationRequest.Decode([.. whole, 0]));
        }
    }

    [Fact]
    public void Request_ForgedOrOfAnotherKind_IsRefused()
    {
        byte[] forged = new AttestationRequest.Push(Words.Make(10)).Encode();
        forged[^1] ^= 1;
        Assert.Null(AttestationRequest.Decode(forged));
        Assert.Null(AttestationRequest.Decode(new CanonicalWriter(4).Write(1).Write(3).Write(s_provider.Bytes).Write(0).ToArray()));
        Assert.Null(AttestationRequest.Decode(new CanonicalWriter(4).Write(0).Write(2).Write(s_provider.Bytes).Write(0).ToArray()));
        Assert.Null(AttestationRequest.Decode(new CanonicalWriter(4).Write(1).Write(2).Write(s_provider.Bytes).Write(1UL << 32).ToArray()));
        Assert.Null(AttestationRequest.Decode(new CanonicalWriter(3).Write(1).Write(2).Write(s_provider.Bytes).ToArray()));
        Assert.Null(AttestationRequest.Decode(new CanonicalWriter(3).Write(1).Write(1).Write(new byte[Attestation.MaxSize + 1]).ToArray()));
    }

    [Fact]
    public void Answer_IsInOrder_AndHasOneEncoding()
    {
        Attestation[] words = [Words.Make(12), Words.Make(11), Words.Make(11, Words.Epoch - 1)];
        byte[] encoded = AttestationAnswer.Encode(words);
        IReadOnlyList<Attestation> read = AttestationAnswer.Decode(encoded, s_provider)!;
        Assert.Equal(encoded, AttestationAnswer.Encode(read));
        Assert.Equal(Words.Epoch - 1, read[0].Body.Epoch);
        Assert.True(read[1].Body.Witness < read[2].Body.Witness);
        for (int i = 0; i < encoded.Length; i++) Assert.Null(AttestationAnswer.Decode(encoded.AsSpan(0, i), s_provider));
        Assert.Null(AttestationAnswer.Decode([.. encoded, 0], s_provider));
        Assert.Empty(AttestationAnswer.Decode(AttestationAnswer.Encode([]), s_provider)!);
    }

    [Fact]
    public void Answer_OfSomebodyElseOrOutOfOrderOrForged_IsRefused()
    {
        Attestation one = Words.Make(11), other = Words.Make(12);
        (Attestation lower, Attestation higher) = one.Body.Witness < other.Body.Witness ? (one, other) : (other, one);
        Assert.NotNull(Decode(lower.Encode(), higher.Encode()));
        Assert.Null(Decode(higher.Encode(), lower.Encode()));
        Assert.Null(Decode(lower.Encode(), lower.Encode()));
        Assert.Null(Decode(Words.Make(11, provider: new SeedSigner(2).PublicKey).Encode()));
        // The provider's own word.
        Assert.Null(Decode(Words.Make(1).Encode()));
        byte[] forged = lower.Encode();
        forged[^1] ^= 1;
        Assert.Null(Decode(forged));
    }

    [Fact]
    public void Answer_MoreThanAMessageTakes_HoldsTheNewestAndIsRefusedOtherwise()
    {
        Attestation[] words = [.. Enumerable.Range(0, AttestationAnswer.MaxCount + 1).Select(i => Words.Make(10, Words.Epoch - (ulong)i))];
        byte[] encoded = AttestationAnswer.Encode(words);
        Assert.InRange(encoded.Length, 1, AttestationAnswer.MaxSize);
        Assert.InRange(AttestationAnswer.MaxSize, 1, 64 * 1024);
        IReadOnlyList<Attestation> read = AttestationAnswer.Decode(encoded, s_provider)!;
        Assert.Equal((AttestationAnswer.MaxCount, Words.Epoch), (read.Count, read[^1].Body.Epoch));
        Assert.Null(Decode([.. words.Reverse().Select(word => word.Encode())]));
    }

    private static IReadOnlyList<Attestation>? Decode(params byte[][] words) => AttestationAnswer.Decode(
        new CanonicalWriter(2).Write(1).WriteArray(words.Length, list =>
        {
            foreach (byte[] word in words) list.Write(word);
        }).ToArray(),
        s_provider);
}
