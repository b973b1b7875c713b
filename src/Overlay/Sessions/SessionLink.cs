using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Sessions;

/// <summary>What both sides' loops do with a step: store, then send.</summary>
internal static class SessionLink
{
    /// <summary>The Ed25519 key that a connection proved; null for another kind of key.</summary>
    internal static PublicKey? ProvedKey(PeerConnection connection) =>
        connection.RemotePublicKey.Type == PeerKeyType.Ed25519 ? new PublicKey(connection.RemotePublicKey.Data.Span) : null;

    /// <summary>Opens nothing that could not be kept: after a failed write nothing is signed until the ledger is opened again.</summary>
    /// <exception cref="SessionException">The ledger takes no more writes.</exception>
    internal static void ThrowIfReadOnly(ILedgerStore store)
    {
        if (store.Fault is { } fault) throw new SessionException(SessionError.Ledger, fault.Message, fault);
    }

    /// <summary>Makes a step's receipt and record durable. Cannot be cancelled: the state machine has moved on already.</summary>
    /// <exception cref="SessionException">The ledger cannot be written; nothing was acknowledged.</exception>
    internal static async ValueTask ApplyAsync(this ILedgerStore store, SessionStep step)
    {
        if (step.Error != SessionError.None) throw new SessionException(step.Error, $"The other side broke a rule of the session: {step.Error}.");
        try
        {
            if (step.Receipt is not null) await store.SaveReceiptAsync(step.Receipt, step.Record!, CancellationToken.None).ConfigureAwait(false);
            else if (step.Record is not null) await store.SaveSessionAsync(step.Record, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LedgerException e)
        {
            throw new SessionException(SessionError.Ledger, "The ledger could not be written: " + e.Message, e);
        }
    }

    /// <summary>The newest receipt of a session.</summary>
    internal static ValueTask<ReceiptEntry?> FindNewestAsync(this ILedgerStore store, Digest session, LedgerRole role, CancellationToken cancellationToken) =>
        ReadAsync(() => store.FindLatestReceiptAsync(session, role, cancellationToken));

    /// <summary>Reads from the ledger.</summary>
    /// <exception cref="SessionException">The ledger cannot be read.</exception>
    internal static async ValueTask<T> ReadAsync<T>(Func<ValueTask<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (LedgerException e)
        {
            throw new SessionException(SessionError.Ledger, "The ledger could not be read: " + e.Message, e);
        }
    }

    /// <summary>Sends a message on the session's stream.</summary>
    internal static ValueTask SendAsync(this PeerStream stream, SessionMessage message, CancellationToken cancellationToken) =>
        stream.Output.WriteMessageAsync(message.Encode(), cancellationToken);

    /// <summary>Reads the next message while a session is being opened.</summary>
    /// <exception cref="SessionException">None came in time, or not one.</exception>
    internal static async ValueTask<SessionMessage> ReceiveAsync(this PeerStream stream, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        byte[] bytes = await WithinAsync(timeout, time, token => stream.Input.ReadMessageAsync(MessagePipes.MaxSize, token), cancellationToken).ConfigureAwait(false)
            ?? throw new SessionException(SessionError.ConnectionLost, "The other side ended the stream.");
        return SessionMessage.Decode(bytes) ?? throw new SessionException(SessionError.Malformed, "The other side sent what is no message.");
    }

    /// <summary>Runs a step of the protocol with a deadline.</summary>
    internal static async ValueTask<T> WithinAsync<T>(TimeSpan timeout, TimeProvider time, Func<CancellationToken, ValueTask<T>> step, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await step(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new SessionException(SessionError.Timeout, $"The other side did not answer within {timeout.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>Sends a last message and ends the stream so that the message arrives: this side half-closes, then waits for the other to do so.</summary>
    internal static async ValueTask SendLastAsync(this PeerStream stream, byte[]? message, TimeSpan patience, TimeProvider time)
    {
        try
        {
            using var deadline = new CancellationTokenSource(patience, time);
            if (message is not null) await stream.Output.WriteMessageAsync(message, deadline.Token).ConfigureAwait(false);
            await stream.Output.CompleteAsync().ConfigureAwait(false);
            await DrainAsync(stream, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            stream.Abort("The other side did not take the last message.");
        }
    }

    private static async ValueTask DrainAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            System.IO.Pipelines.ReadResult read = await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            stream.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return;
        }
    }
}
