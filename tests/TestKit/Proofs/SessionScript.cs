using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.TestKit.Proofs;

/// <summary>One session as one of its sides would keep it: makes the record and receipts that follow one another by the rules.</summary>
public sealed class SessionScript
{
    public const ulong Price = 50_000;

    private ReceiptEntry? _last;

    public SessionScript(int number, LedgerRole role, int provider = 1, int consumer = 2)
    {
        Provider = new SeedSigner(provider);
        Consumer = new SeedSigner(consumer);
        Record = new SessionRecord
        {
            SessionId = new Digest(SHA256.HashData(BitConverter.GetBytes(number))),
            Role = role,
            Counterparty = role == LedgerRole.Provider ? Consumer.PublicKey : Provider.PublicKey,
            OfferId = new Digest(SHA256.HashData("offer"u8)),
            PricePerGiB = Price,
            CreditWindow = 262_144,
            Leg = 0,
            Counted = new ReceiptOpening(0, 0),
            CountedExactly = false,
            State = SessionState.Open,
            OpenedAt = 1_800_000_000,
            Seed = new BlindingSeed(SHA256.HashData([.. "seed"u8, .. BitConverter.GetBytes(number)])),
        };
    }

    public SeedSigner Provider { get; }

    public SeedSigner Consumer { get; }

    public SessionRecord Record { get; set; }

    /// <summary>The body that is due next: one more byte up and a thousand more down.</summary>
    public ReceiptBody DueBody(bool final = false) => Commit(
        new ReceiptBody
        {
            SessionId = Record.SessionId,
            Leg = _last is null ? 0 : _last.Receipt.Body.Leg + (_last.Receipt.Body.Final ? 1u : 0),
            Provider = Provider.PublicKey,
            Consumer = Consumer.PublicKey,
            Sequence = _last is null || _last.Receipt.Body.Final ? 0 : _last.Receipt.Body.Sequence + 1,
            Final = final,
            Commitment = default,
            PricePerGiB = Price,
            Epoch = 500_000,
            PreviousReceiptHash = _last?.Receipt.Hash ?? default,
            IssuedAt = 1_800_000_005,
        },
        DueOpening);

    /// <summary>The body with a commitment to other amounts, blinded as its place in the session asks for.</summary>
    public ReceiptBody Commit(ReceiptBody body, ReceiptOpening opening) =>
        body with { Commitment = ReceiptCommitment.Create(opening, Record.Seed, body.SessionId, body.Leg, body.Sequence) };

    /// <summary>The opening that <see cref="DueBody"/> commits to.</summary>
    public ReceiptOpening DueOpening => _last is null || _last.Receipt.Body.Final ? new(1, 1000) : new(_last.Opening.Up + 1, _last.Opening.Down + 1000);

    /// <summary>Makes the receipt that is due and moves on.</summary>
    public ReceiptEntry Next(bool final = false, bool countersigned = true) => _last = Make(DueBody(final), DueOpening, countersigned);

    /// <summary>Makes a receipt of any body without moving on.</summary>
    public ReceiptEntry Make(ReceiptBody body, ReceiptOpening opening, bool countersigned = true)
    {
        Receipt receipt = Receipt.Issue(body, body.Consumer == Consumer.PublicKey ? Consumer : Provider);
        if (countersigned) receipt = receipt.Countersign(body.Provider == Provider.PublicKey ? Provider : Consumer);
        return new ReceiptEntry(receipt, opening, Record.Role);
    }
}
