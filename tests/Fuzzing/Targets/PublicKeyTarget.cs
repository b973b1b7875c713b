using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>A key and a signature of a foreign peer: PKIX keys, points and DER signatures, none of which may throw.</summary>
/// <remarks>Input: a block with the encoded key, then the signature over <see cref="Message"/>.</remarks>
internal sealed class PublicKeyTarget : FuzzTarget
{
    // Key and valid signature of RSA and ECDSA lie in the corpus: they cannot be made the same twice. The point is one of the peer-ids specification's examples.
    private static readonly byte[] s_secp256k1 = Convert.FromHexString("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99");

    internal override string Name => "public-key";

    internal override int MaxSize => 2560;

    // BouncyCastle's arithmetic on secp256k1 makes a number of every intermediate result.
    internal override int FixedAllocation => 256 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] signature = new byte[64];
            FuzzKeys.Peer.Sign(Message, signature);
            return
            [
                [.. FuzzInput.Block(FuzzKeys.Peer.PublicKey.Encoded.Span), .. signature],
                [.. FuzzInput.Block(s_secp256k1), 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
            ];
        }
    }

    internal override IReadOnlyList<byte[]> Words { get; } =
    [
        [0x30, 0x82], [0x02, 0x01, 0x00], [0x02, 0x20], [0x02, 0x21, 0x00], [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22], [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23],
        [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01], [0x08, 0x00, 0x12], [0x08, 0x01, 0x12, 0x20], [0x08, 0x02, 0x12, 0x21], [0x08, 0x03, 0x12],
    ];

    private static ReadOnlySpan<byte> Message => "a message that a peer has signed"u8;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        ReadOnlySpan<byte> encoded = parts.TakeBlock();
        meter.Start();
        bool valid = PeerPublicKey.TryDecode(encoded, out PeerPublicKey? key) && key.VerifyVarTime(Message, parts.Rest);
        meter.Stop();
        if (key is null) return false;
        Invariant.Same(encoded, key.Encoded.Span, "A key has one encoding");
        Invariant.Holds(encoded.Length <= PeerPublicKey.MaxEncodedSize, "A key is no longer than the longest.");
        Invariant.Holds(PeerId.TryFromBytes(key.ToPeerId().Bytes, out _), "A key has a peer id.");
        return valid;
    }
}
