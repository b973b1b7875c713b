using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.TestKit.Proofs;

/// <summary>What a provider has to claim: one leg of each of many sessions, sealed into a chain of blocks. The same in every run.</summary>
public sealed class ClaimScript
{
    public const ulong Epoch = 500_000;

    /// <summary>Makes the legs and seals them.</summary>
    /// <param name="count">How many legs.</param>
    /// <param name="consumers">How many different consumers.</param>
    /// <param name="perBlock">Legs in a block.</param>
    /// <param name="firstSession">Number of the first session, for scripts that do not overlap.</param>
    /// <param name="epoch">The epoch of all receipts.</param>
    /// <param name="provider">Number of the provider's key.</param>
    public ClaimScript(int count, int consumers = 3, int perBlock = 400, int firstSession = 0, ulong epoch = Epoch, int provider = 1)
    {
        Provider = new SeedSigner(provider);
        ReceiptEpoch = epoch;
        SeedSigner[] keys = [.. Enumerable.Range(100, consumers).Select(number => new SeedSigner(number))];
        for (int begin = 0; begin < count; begin += perBlock)
        {
            int size = Math.Min(perBlock, count - begin);
            Made[] made = [.. Enumerable.Range(begin, size).Select(i => Make(firstSession + i, keys[i % consumers]))];
            var tree = new MerkleTree([.. made.Select(leg => LedgerBlock.LeafHash(leg.Receipt))]);
            Blocks.Add(LedgerBlock.Seal(
                new LedgerBlockBody
                {
                    Author = Provider.PublicKey,
                    Sequence = (ulong)Blocks.Count,
                    PreviousBlockHash = Blocks.Count == 0 ? default : Blocks[^1].Hash,
                    Epoch = epoch,
                    ReceiptsRoot = tree.Root,
                    ReceiptCount = (uint)size,
                    Heads = [],
                    Time = (epoch + 1) * 3600,
                },
                Provider));
            for (int i = 0; i < size; i++)
            {
                var claimed = new ClaimedReceipt(made[i].Receipt, Blocks.Count - 1, (uint)i, tree.ProveInclusion(i));
                Legs.Add(new ClaimLeg(claimed, made[i].Amount, made[i].Seed.DeriveBlinding(made[i].Receipt.Body.SessionId, 0, 0)));
                Total += made[i].Amount;
            }
        }
    }

    public SeedSigner Provider { get; }

    public ulong ReceiptEpoch { get; }

    public List<LedgerBlock> Blocks { get; } = [];

    public List<ClaimLeg> Legs { get; } = [];

    public ulong Total { get; private set; }

    /// <summary>All three kinds of statements, all true.</summary>
    public ClaimStatement[] Statements => [ClaimStatement.ExactTotal(Total), ClaimStatement.AtLeast(Total / 2), ClaimStatement.AmountsInRange];

    /// <summary>A witness's attestation that fits the claim.</summary>
    public Attestation Attest(int witness, ulong? epoch = null)
    {
        var signer = new SeedSigner(witness);
        return Attestation.Sign(
            new AttestationBody
            {
                Witness = signer.PublicKey,
                Provider = Provider.PublicKey,
                Epoch = epoch ?? ReceiptEpoch,
                Reachable = true,
                RttMillis = 23,
                MbpsDown = 500,
                MbpsUp = 40,
                ExitAddressPrefix = "198.51.100.0/24",
                ObservedAt = ReceiptEpoch * 3600,
            },
            signer);
    }

    public Claim Claim(params ClaimStatement[] statements) => ClaimBuilder.Create(ReceiptEpoch, Blocks, Legs, statements, [], Provider);

    private Made Make(int number, SeedSigner consumer)
    {
        var session = new Digest(SHA256.HashData(BitConverter.GetBytes(number)));
        var seed = new BlindingSeed(SHA256.HashData([.. "claim"u8, .. BitConverter.GetBytes(number)]));
        var opening = new ReceiptOpening((ulong)number + 1, 1000 * (ulong)(number + 1));
        var body = new ReceiptBody
        {
            SessionId = session,
            Leg = 0,
            Provider = Provider.PublicKey,
            Consumer = consumer.PublicKey,
            Sequence = 0,
            Final = true,
            Commitment = ReceiptCommitment.Create(opening, seed, session, 0, 0),
            PricePerGiB = SessionScript.Price,
            Epoch = ReceiptEpoch,
            PreviousReceiptHash = default,
            IssuedAt = ReceiptEpoch * 3600,
        };
        return new Made(Receipt.Issue(body, consumer).Countersign(Provider), opening.Total, seed);
    }

    private sealed record Made(Receipt Receipt, ulong Amount, BlindingSeed Seed);
}
