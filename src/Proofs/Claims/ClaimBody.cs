using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Claims;

/// <summary>All of a claim but its proofs: <c>[1, provider, epoch, blocks, receipts, statements, attestations]</c>. Its hash is the claim's id.</summary>
internal sealed record ClaimBody(
    PublicKey Provider, ulong Epoch, IReadOnlyList<LedgerBlock> Blocks, IReadOnlyList<ClaimedReceipt> Receipts, IReadOnlyList<ClaimStatement> Statements,
    IReadOnlyList<Attestation> Attestations)
{
    internal byte[] Encode() => new CanonicalWriter(7)
        .Write(Claim.Version).Write(Provider.Bytes).Write(Epoch)
        .WriteArray(Blocks.Count, list =>
        {
            foreach (LedgerBlock block in Blocks) list.Write(block.Encode());
        })
        .WriteArray(Receipts.Count, list =>
        {
            foreach (ClaimedReceipt claimed in Receipts)
            {
                byte[] path = new byte[Digest.Size * claimed.Path.Count];
                for (int i = 0; i < claimed.Path.Count; i++) claimed.Path[i].Bytes.CopyTo(path.AsSpan(Digest.Size * i));
                list.WriteArray(4, item => item.Write(claimed.Receipt.Encode()).Write((ulong)claimed.Block).Write(claimed.Leaf).Write(path));
            }
        })
        .WriteArray(Statements.Count, list =>
        {
            foreach (ClaimStatement statement in Statements) list.WriteArray(2, item => item.Write((ulong)statement.Kind).Write(statement.Value));
        })
        .WriteArray(Attestations.Count, list =>
        {
            foreach (Attestation attestation in Attestations) list.Write(attestation.Encode());
        }).ToArray();

    /// <summary>Decodes a body: the form alone, no signature and no rule between its parts.</summary>
    internal static ClaimBody? Decode(ReadOnlySpan<byte> encoded, out string? fault)
    {
        var reader = new CanonicalReader(encoded);
        fault = "it has not the form or version of a claim's body";
        if (!reader.TryReadArrayHeader(7) || !reader.TryReadUInt64(Claim.Version, out ulong version) || version != Claim.Version
            || !reader.TryReadPublicKey(out PublicKey provider) || !reader.TryReadUInt64(uint.MaxValue, out ulong epoch)) return null;

        var blocks = new List<LedgerBlock>();
        fault = $"its list of blocks is malformed, or not of 1 to {Claim.MaxBlockCount}";
        if (!reader.TryReadArrayHeader(1, Claim.MaxBlockCount, out int count)) return null;
        for (int i = 0; i < count; i++)
        {
            fault = $"block {i} is malformed";
            if (!reader.TryReadBytes(1, LedgerBlock.MaxSize, out ReadOnlySpan<byte> bytes) || !LedgerBlock.TryDecodeUnchecked(bytes, out LedgerBlock? block)) return null;
            blocks.Add(block);
        }

        var receipts = new List<ClaimedReceipt>();
        fault = $"its list of receipts is malformed, or not of 1 to {Claim.MaxReceiptCount}";
        if (!reader.TryReadArrayHeader(1, Claim.MaxReceiptCount, out count)) return null;
        for (int i = 0; i < count; i++)
        {
            fault = $"receipt {i} is malformed";
            if (!TryReadReceipt(ref reader, blocks.Count, out ClaimedReceipt? receipt)) return null;
            receipts.Add(receipt);
        }

        fault = "its statements are malformed, unknown, or not in order";
        if (!TryReadStatements(ref reader, out List<ClaimStatement> statements)) return null;

        var attestations = new List<Attestation>();
        fault = $"its list of attestations is malformed, or of more than {Claim.MaxAttestationCount}";
        if (!reader.TryReadArrayHeader(0, Claim.MaxAttestationCount, out count)) return null;
        for (int i = 0; i < count; i++)
        {
            fault = $"attestation {i} is malformed";
            if (!reader.TryReadBytes(1, Attestation.MaxSize, out ReadOnlySpan<byte> bytes) || !Attestation.TryDecodeUnchecked(bytes, out Attestation? attestation)) return null;
            attestations.Add(attestation);
        }

        fault = reader.IsComplete ? null : "something follows its body";
        return fault is null ? new ClaimBody(provider, epoch, blocks, receipts, statements, attestations) : null;
    }

    private static bool TryReadReceipt(ref CanonicalReader reader, int blockCount, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ClaimedReceipt? claimed)
    {
        claimed = null;
        if (!reader.TryReadArrayHeader(4)
            || !reader.TryReadBytes(1, Receipt.MaxSize, out ReadOnlySpan<byte> bytes)
            || !reader.TryReadUInt32((uint)blockCount - 1, out uint block)
            || !reader.TryReadUInt32(LedgerBlockBody.MaxReceiptCount - 1, out uint leaf)
            || !reader.TryReadBytes(0, Digest.Size * Claim.MaxPathCount, out ReadOnlySpan<byte> pathBytes)
            || pathBytes.Length % Digest.Size != 0
            || !Receipt.TryDecodeUnchecked(bytes, out Receipt? receipt)) return false;
        var path = new Digest[pathBytes.Length / Digest.Size];
        for (int i = 0; i < path.Length; i++) path[i] = new Digest(pathBytes.Slice(Digest.Size * i, Digest.Size));
        claimed = new ClaimedReceipt(receipt, (int)block, leaf, path);
        return true;
    }

    private static bool TryReadStatements(ref CanonicalReader reader, out List<ClaimStatement> statements)
    {
        statements = [];
        if (!reader.TryReadArrayHeader(1, 3, out int count)) return false;
        ulong last = 0;
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadArrayHeader(2) || !reader.TryReadUInt64((ulong)ClaimStatementKind.AmountsInRange, out ulong kind) || kind <= last
                || !reader.TryReadUInt64(kind == (ulong)ClaimStatementKind.AmountsInRange ? 0 : ulong.MaxValue, out ulong value)) return false;
            statements.Add(new ClaimStatement((ClaimStatementKind)kind, value));
            last = kind;
        }

        return true;
    }
}
