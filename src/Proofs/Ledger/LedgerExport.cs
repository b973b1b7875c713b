using System.Buffers;
using System.Text.Json;
using Overlay.Proofs.Group;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>What a <see cref="LedgerExport"/> says of receipts that hide their totals.</summary>
public enum LedgerExportContent
{
    /// <summary>The amounts, as the owner's word: nobody can compare them with the commitments.</summary>
    WithoutBlindings = 0,

    /// <summary>The amounts with the blinding of each receipt, with which anybody can check that one.</summary>
    WithBlindings = 1,
}

/// <summary>Writes a ledger as JSON lines: one object for each session, then one for each receipt, in the order they were first stored.</summary>
/// <remarks>The fields are described in docs/protocols/ledger-files.md. Signatures are copied, not checked.</remarks>
public static class LedgerExport
{
    private const int FlushSize = 64 * 1024;

    /// <summary>Writes all of <paramref name="store"/> to <paramref name="destination"/>, in UTF-8, each line ended by a line feed.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="destination">Where to write; stays open.</param>
    /// <param name="content">Whether the receipts' blindings are written too. A session's seed never is.</param>
    /// <param name="cancellationToken">Ends the export between two lines.</param>
    /// <exception cref="LedgerException">The ledger cannot be read or is damaged; what came before has been written.</exception>
    public static Task WriteAsync(ILedgerStore store, Stream destination, LedgerExportContent content, CancellationToken cancellationToken) =>
        WriteAsync(store, destination, content, null, cancellationToken);

    /// <summary>Writes what concerns one consumer that this ledger's owner has served: what there is to show about it.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="destination">Where to write; stays open.</param>
    /// <param name="content">Whether the receipts' blindings are written too.</param>
    /// <param name="consumer">The consumer's key; null for all sessions of both roles.</param>
    /// <param name="cancellationToken">Ends the export between two lines.</param>
    /// <exception cref="LedgerException">The ledger cannot be read or is damaged; what came before has been written.</exception>
    public static async Task WriteAsync(ILedgerStore store, Stream destination, LedgerExportContent content, PublicKey? consumer,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(destination);
        var buffer = new ArrayBufferWriter<byte>(FlushSize);
        using var json = new Utf8JsonWriter(buffer);
        var seeds = new Dictionary<(Digest, LedgerRole), BlindingSeed?>();
        await foreach (SessionRecord session in store.ReadSessionsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (consumer is { } one && (session.Role != LedgerRole.Provider || session.Counterparty != one)) continue;
            Write(json, session);
            if (content == LedgerExportContent.WithBlindings) seeds[(session.SessionId, session.Role)] = session.Seed;
            await EndLineAsync(json, buffer, destination, cancellationToken).ConfigureAwait(false);
        }

        await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(null, cancellationToken).ConfigureAwait(false))
        {
            if (consumer is { } one && (entry.Role != LedgerRole.Provider || entry.Receipt.Body.Consumer != one)) continue;
            Write(json, entry, seeds.GetValueOrDefault((entry.Receipt.Body.SessionId, entry.Role)));
            await EndLineAsync(json, buffer, destination, cancellationToken).ConfigureAwait(false);
        }

        await destination.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter json, SessionRecord session)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "session"u8);
        json.WriteString("sessionId"u8, session.SessionId.ToString());
        json.WriteString("role"u8, Name(session.Role));
        json.WriteString("counterparty"u8, session.Counterparty.ToString());
        json.WriteString("offerId"u8, session.OfferId.ToString());
        json.WriteNumber("pricePerGiB"u8, session.PricePerGiB);
        json.WriteNumber("creditWindow"u8, session.CreditWindow);
        json.WriteNumber("leg"u8, session.Leg);
        json.WriteNumber("countedUp"u8, session.Counted.Up);
        json.WriteNumber("countedDown"u8, session.Counted.Down);
        json.WriteBoolean("countedExactly"u8, session.CountedExactly);
        json.WriteString("state"u8, session.State switch
        {
            SessionState.Open => "open"u8,
            SessionState.Settled => "settled"u8,
            SessionState.Closed => "closed"u8,
            _ => "disputed"u8,
        });
        json.WriteNumber("openedAt"u8, session.OpenedAt);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ReceiptEntry entry, BlindingSeed? seed)
    {
        ReceiptBody body = entry.Receipt.Body;
        json.WriteStartObject();
        json.WriteString("type"u8, "receipt"u8);
        json.WriteString("hash"u8, entry.Receipt.Hash.ToString());
        json.WriteString("sessionId"u8, body.SessionId.ToString());
        json.WriteString("role"u8, Name(entry.Role));
        json.WriteNumber("leg"u8, body.Leg);
        json.WriteNumber("sequence"u8, body.Sequence);
        json.WriteBoolean("final"u8, body.Final);
        json.WriteString("provider"u8, body.Provider.ToString());
        json.WriteString("consumer"u8, body.Consumer.ToString());
        json.WriteNumber("up"u8, entry.Opening.Up);
        json.WriteNumber("down"u8, entry.Opening.Down);
        json.WriteString("commitment"u8, Convert.ToHexStringLower(body.Commitment.Span));
        if (seed is not null)
        {
            Span<byte> blinding = stackalloc byte[Scalar.Size];
            seed.DeriveBlinding(body.SessionId, body.Leg, body.Sequence).Encode(blinding);
            json.WriteString("blinding"u8, Convert.ToHexStringLower(blinding));
        }

        json.WriteNumber("pricePerGiB"u8, body.PricePerGiB);
        json.WriteNumber("epoch"u8, body.Epoch);
        json.WriteString("previousReceiptHash"u8, body.PreviousReceiptHash.ToString());
        json.WriteNumber("issuedAt"u8, body.IssuedAt);
        json.WriteBoolean("countersigned"u8, entry.Receipt.IsCountersigned);
        json.WriteBase64String("receipt"u8, entry.Receipt.Encode());
        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> Name(LedgerRole role) => role == LedgerRole.Provider ? "provider"u8 : "consumer"u8;

    private static async ValueTask EndLineAsync(Utf8JsonWriter json, ArrayBufferWriter<byte> buffer, Stream destination, CancellationToken cancellationToken)
    {
        json.Flush();
        json.Reset(buffer);
        buffer.Write("\n"u8);
        if (buffer.WrittenCount < FlushSize) return;
        await destination.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        buffer.ResetWrittenCount();
    }
}
