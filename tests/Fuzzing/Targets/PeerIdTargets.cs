using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Peer ids in bytes: what is one prints to two texts that both lead back to it.</summary>
internal sealed class PeerIdBytesTarget : FuzzTarget
{
    internal override string Name => "peer-id-bytes";

    internal override int MaxSize => 64;

    internal override IEnumerable<byte[]> Seeds => PeerIdSamples.All.Select(id => id.Bytes.ToArray());

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        bool valid = PeerId.TryFromBytes(input, out PeerId? id);
        meter.Stop();
        if (!valid) return false;
        Invariant.Holds(input.Length <= PeerId.MaxSize, "A peer id is no longer than the longest.");
        PeerIdSamples.Check(id!, input);
        return true;
    }
}

/// <summary>Peer ids in text: base58 or a CID in any of six bases.</summary>
internal sealed class PeerIdTextTarget : FuzzTarget
{
    internal override string Name => "peer-id-text";

    internal override int MaxSize => 160;

    internal override IEnumerable<byte[]> Seeds => PeerIdSamples.All.SelectMany(id => Texts(id).Select(Encoding.UTF8.GetBytes));

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        string text = Encoding.UTF8.GetString(input);
        meter.Start();
        bool valid = PeerId.TryParse(text, out PeerId? id);
        meter.Stop();
        if (valid) PeerIdSamples.Check(id!, id!.Bytes);
        return valid;
    }

    private static IEnumerable<string> Texts(PeerId id)
    {
        byte[] cid = [1, 0x72, .. id.Bytes];
        return
        [
            id.ToString(),
            id.ToCidString(),
            id.ToCidString().ToUpperInvariant(),
            "f" + Convert.ToHexStringLower(cid),
            "z" + SimpleBase.Base58.Bitcoin.Encode(cid),
            "k" + SimpleBase.Base36.LowerCase.Encode(cid),
            "m" + Convert.ToBase64String(cid).TrimEnd('='),
            Multibase.EncodeBase64Url(cid),
        ];
    }
}

internal static class PeerIdSamples
{
    /// <summary>An Ed25519, a secp256k1 and a hashed one.</summary>
    internal static IReadOnlyList<PeerId> All { get; } =
    [
        FuzzKeys.Own.PeerId,
        PeerId.Parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"),
        PeerId.Parse("16Uiu2HAkuVe4AggN6G4tGXzwFVdP4R3KZi1Yh2hhTJNFaLhVkmz2"),
    ];

    internal static void Check(PeerId id, ReadOnlySpan<byte> bytes)
    {
        Invariant.Same(bytes, id.Bytes, "A peer id keeps its bytes");
        Invariant.Holds(PeerId.TryFromBytes(bytes, out PeerId? again) && again == id && again.GetHashCode() == id.GetHashCode(), "A peer id is read again from its bytes.");
        Invariant.Holds(PeerId.TryParse(id.ToString(), out PeerId? fromText) && fromText == id, "A peer id is read again from its text.");
        Invariant.Holds(PeerId.TryParse(id.ToCidString(), out PeerId? fromCid) && fromCid == id, "A peer id is read again from its CID.");
        if (id.TryGetPublicKey(out PeerPublicKey? key)) Invariant.Same(id, key.ToPeerId(), "A peer id that carries its key is that key's");
    }
}
