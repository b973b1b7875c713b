using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;
using Overlay.Transport.Connections;

namespace Overlay.Sessions;

/// <summary>An open session with a consumer, seen from its provider: serves connects within the credit window and countersigns receipts.</summary>
/// <remarks>One loop, <see cref="RunAsync"/>, owns the session's stream and its <see cref="ProviderSessionState"/>; connects only touch gate and meter.</remarks>
internal sealed class ProviderSession : IAsyncDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly PeerStream _stream;
    private readonly ProviderSessionState _state;
    private readonly ILedgerStore _store;
    private readonly SessionOptions _options;
    private readonly TimeProvider _time;
    private readonly SessionDiagnostics _diagnostics;
    private readonly SessionProtection _protection;
    private readonly CreditGate _gate;
    private readonly SessionMeter _meter;
    private readonly SessionInbox _inbox;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _cutting = Task.CompletedTask;
    private int _finishing;
    private bool _finishSent;

    internal ProviderSession(
        PeerStream stream, ProviderSessionState state, ILedgerStore store, SessionOptions options, TimeProvider time, SessionDiagnostics diagnostics,
        SessionProtection protection)
    {
        _diagnostics = diagnostics;
        _protection = protection;
        _stream = stream;
        _state = state;
        _store = store;
        _options = options;
        _time = time;
        _gate = new CreditGate(state.Window);
        _inbox = new SessionInbox(stream.Input, time, s_tick);
        _meter = new SessionMeter(_gate, _inbox.Wake);
    }

    internal Digest Id => _state.Record.SessionId;

    internal PublicKey Consumer => _state.Record.Counterparty;

    internal PeerConnection Connection => _stream.Connection;

    /// <summary>Its price, in micro-credits for a GiB.</summary>
    internal ulong PricePerGiB => _state.Record.PricePerGiB;

    internal DateTimeOffset OpenedAt => DateTimeOffset.FromUnixTimeSeconds((long)_state.Record.OpenedAt);

    /// <summary>Why it ended; null while it lives and after a good end.</summary>
    internal SessionException? Error { get; private set; }

    /// <summary>Bytes served and unpaid at this moment: never more than the credit window.</summary>
    internal long Unpaid => _gate.Unpaid;

    /// <summary>What has been counted so far.</summary>
    internal ByteCount Count() => _meter.Count();

    /// <summary>Runs until the session is over and everything about it is on disk. Never throws for anything the consumer does.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.Register(static state => ((CancellationTokenSource)state!).Cancel(), _stop);
        bool closed = false;
        try
        {
            while (!closed)
            {
                SessionMessage? message = await _inbox.NextAsync(_stop.Token).ConfigureAwait(false);
                closed = await HandleAsync(message).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            Error = e as SessionException ?? new SessionException(SessionError.ConnectionLost, "The session was lost: " + e.Message, e);
        }

        await EndAsync(closed).ConfigureAwait(false);
        _protection.End(Connection, Id);
        _diagnostics.Ended(Id, LedgerRole.Provider, Error, _state.Paid);
        _ended.TrySetResult();
    }

    /// <summary>Lets go of the session's stream; <see cref="RunAsync"/> has ended before.</summary>
    public async ValueTask DisposeAsync()
    {
        await _inbox.DisposeAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _cutting.ConfigureAwait(false);
    }

    /// <summary>Resets every connect, takes no more, and asks for a last receipt.</summary>
    internal void CutOff(string reason)
    {
        _meter.AbortAll(reason);
        // A consumer that does not acknowledge the reset must not keep a lookup, a dial or a relay. Not on this thread, which may hold locks.
        Task cutting = _cut.CancelAsync();
        if (!cutting.IsCompleted) _cutting = cutting;
        Volatile.Write(ref _finishing, 1);
        _inbox.Wake();
    }

    /// <summary>Asks the consumer for a last receipt and waits for the session's end; gives up when cancelled.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _finishing, 1);
        _inbox.Wake();
        using CancellationTokenRegistration registration = cancellationToken.Register(static state => ((CancellationTokenSource)state!).Cancel(), _stop);
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Serves one connect stream to its end.</summary>
    /// <param name="stream">The stream, its request read.</param>
    /// <param name="request">The request.</param>
    /// <param name="requestSize">The request's bytes on the wire.</param>
    /// <param name="exit">Where targets come from.</param>
    /// <param name="line">What the owner lets others have; null for all.</param>
    /// <param name="hasRoom">Whether the provider as a whole has room for one more.</param>
    /// <param name="cancellationToken">Resets the stream.</param>
    internal async Task ServeAsync(PeerStream stream, ConnectRequest request, int requestSize, IExit exit, IOwnerLine? line, Func<bool> hasRoom, CancellationToken cancellationToken)
    {
        var meter = new StreamMeter(stream, LedgerRole.Provider, requestSize, _gate, counted: null);
        if (!_meter.TryAdd(meter))
        {
            await RefuseAsync(stream, ConnectCode.NotAllowed, "").ConfigureAwait(false);
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token, _cut.Token);
        Task watching = CancelAtEndAsync(stream, stop);
        try
        {
            if (_meter.LiveCount > _options.MaxConnectsPerSession || !hasRoom()) throw new ConnectRefusedException(ConnectCode.Capacity, "The provider has no room for another connection.");
            if (line?.Refusal is { } busy) throw new ConnectRefusedException(ConnectCode.OwnerBusy, busy);
            using ExitConnection target = await DialAsync(request, exit, stop.Token).ConfigureAwait(false);
            byte[] answer = MessagePipes.Frame(new ConnectAnswer(ConnectCode.Succeeded, "", target.BoundEndPoint).Encode());
            await stream.Output.WriteAsync(answer, stop.Token).ConfigureAwait(false);
            using IRelayPass? pass = line?.Begin(Consumer, target.Socket.Socket);
            await SocketPump.RelayAsync(target.Socket, new MeteredPipes(meter), pass, stop.Token).ConfigureAwait(false);
        }
        catch (ConnectRefusedException e)
        {
            // The text is served like payload; without credit for it the code must do.
            string text = Cut(e.Message);
            await RefuseAsync(stream, e.Code, meter.Output.TryTake(ConnectAnswer.MaxSize) ? text : "").ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            stream.Abort(e.Message);
        }

        await stream.DisposeAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
    }

    /// <summary>Answers a request that does not become a connection.</summary>
    internal ValueTask RefuseAsync(PeerStream stream, ConnectCode code, string text) =>
        stream.SendLastAsync(new ConnectAnswer(code, text, null).Encode(), _options.CloseTimeout, _time);

    private async ValueTask<ExitConnection> DialAsync(ConnectRequest request, IExit exit, CancellationToken cancellationToken)
    {
        try
        {
            return await SessionLink.WithinAsync(_options.ConnectTimeout, _time, token => exit.ConnectAsync(Consumer, request.Host, request.Port, token),
                cancellationToken).ConfigureAwait(false);
        }
        catch (SessionException e) when (e.Reason == SessionError.Timeout)
        {
            throw new ConnectRefusedException(ConnectCode.TimedOut, "The target did not answer in time.", e);
        }
        catch (Exception e) when (e is IOException and not ConnectRefusedException or System.Net.Sockets.SocketException)
        {
            throw new ConnectRefusedException(ConnectCode.GeneralFailure, "The target could not be reached.", e);
        }
    }

    // A consumer that resets the stream while its target is being dialled, or while that is silent, is noticed here.
    private static async Task CancelAtEndAsync(PeerStream stream, CancellationTokenSource stop)
    {
        await stream.Completion.ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
    }

    private async ValueTask<bool> HandleAsync(SessionMessage? message)
    {
        ByteCount count = _meter.Count();
        switch (message)
        {
            case null:
                if (_state.IsViolated(count)) throw new SessionException(SessionError.CreditExceeded, "More arrived unpaid than the credit window tolerates.");
                if (_state.IsOverdue(count, _time.GetUtcNow())) throw new SessionException(SessionError.Unpaid, "The consumer owes a receipt and has not sent it.");
                if (Volatile.Read(ref _finishing) != 0 && !_finishSent)
                {
                    _finishSent = true;
                    await _stream.SendAsync(new SessionMessage.Finish(SessionError.ShuttingDown), _stop.Token).ConfigureAwait(false);
                }

                return false;
            case SessionMessage.ReceiptMessage receipt:
                long before = _state.Paid.Total;
                SessionStep step = _state.OnReceipt(receipt, count, _time.GetUtcNow());
                await _store.ApplyAsync(step).ConfigureAwait(false);
                if (step.Receipt is not null) _diagnostics.Paid(LedgerRole.Provider, _state.Paid.Total - before);
                // Only money protects: sessions are opened for nothing, and who opens many must not be able to crowd out who pays.
                if (_state.Paid.Total > before) _protection.Begin(Connection, Id);
                // Only what is on disk gives credit.
                _gate.Pay(_state.Paid.Total - before, _state.Window);
                await _stream.SendAsync(step.Send!, _stop.Token).ConfigureAwait(false);
                return false;
            case SessionMessage.Close { Reason: SessionError.None }:
                return true;
            case SessionMessage.Close close:
                throw new SessionException(close.Reason, $"The consumer ended the session: {close.Reason}.");
            default:
                throw new SessionException(SessionError.Malformed, $"The consumer sent {message.GetType().Name}, which has no place in an open session.");
        }
    }

    private async ValueTask EndAsync(bool closed)
    {
        SessionException reason = Error ?? new SessionException(SessionError.ShuttingDown, "The session is over.");
        await _stop.CancelAsync().ConfigureAwait(false);
        _gate.Close(reason);
        _meter.AbortAll(reason.Message);
        await _meter.WhenFinishedAsync(Connection, _options.CloseTimeout, _time).ConfigureAwait(false);
        if (Error is not { Reason: SessionError.Ledger }) await SaveEndAsync(closed).ConfigureAwait(false);
        await SayCloseAsync(closed).ConfigureAwait(false);
    }

    // Not after a failed write: the machine is then ahead of the disk, and what the disk has is the truth.
    private async ValueTask SaveEndAsync(bool closed)
    {
        try
        {
            ByteCount final = _meter.Count();
            bool nothing = final.Total == 0 && _state.Newest is null;
            SessionRecord record = closed || nothing ? _state.Close(final) : _state.Lose(final);
            await _store.SaveSessionAsync(record, CancellationToken.None).ConfigureAwait(false);
            if (closed && record.State == SessionState.Disputed) Error = new SessionException(SessionError.Unpaid, "The last receipt leaves bytes unpaid.");
        }
        catch (LedgerException)
        {
            // The record stays as it was: a checkpoint. That is what settling after a crash is for.
        }
    }

    private async ValueTask SayCloseAsync(bool closed)
    {
        try
        {
            if (Error is { Reason: SessionError.ConnectionLost })
            {
                _stream.Abort("The session was lost.");
                return;
            }

            using var deadline = new CancellationTokenSource(_options.CloseTimeout, _time);
            if (!closed) await _stream.SendAsync(new SessionMessage.Close(Error!.Reason), deadline.Token).ConfigureAwait(false);
            await _stream.Output.CompleteAsync().ConfigureAwait(false);
            await _inbox.WaitForEndAsync(_options.CloseTimeout, _time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The other side will see the stream's end instead.
        }
    }

    private static string Cut(string text)
    {
        while (System.Text.Encoding.UTF8.GetByteCount(text) > ConnectAnswer.MaxTextSize) text = text[..^1];
        return text;
    }

    private sealed class MeteredPipes(StreamMeter meter) : System.IO.Pipelines.IDuplexPipe
    {
        public System.IO.Pipelines.PipeReader Input => meter.Input;

        public System.IO.Pipelines.PipeWriter Output => meter.Output;
    }
}
