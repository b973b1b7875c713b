using System.IO.Pipelines;
using System.Net;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;
using Overlay.Transport.Connections;

namespace Overlay.Sessions;

/// <summary>An open session with a provider, seen from its consumer: connects to targets, and pays as it goes.</summary>
/// <remarks>
/// One loop owns the session's stream and its <see cref="ConsumerSessionState"/>; connects only touch the gate and the meter, which are safe on
/// several threads. <see cref="Completion"/> ends when the loop has stored the last word.
/// </remarks>
internal sealed class ConsumerSession : ITargetConnector, IAsyncDisposable
{
    // While somebody waits for credit, what has left is looked at this often: the transport counts a byte a little after it took it.
    private static readonly TimeSpan s_shortTick = TimeSpan.FromMilliseconds(20);

    private readonly PeerConnection _connection;
    private readonly PeerStream _stream;
    private readonly ConsumerSessionState _state;
    private readonly ILedgerStore _store;
    private readonly SessionOptions _options;
    private readonly TimeProvider _time;
    private readonly SessionDiagnostics _diagnostics;
    private readonly Action<ConsumerSession> _ended;
    private readonly CreditGate _gate;
    private readonly SessionMeter _meter;
    private readonly SessionInbox _inbox;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeSpan _tick;
    private long _fresh;
    private long _looksAfter;
    private int _closing;

    /// <param name="connection">What it runs on.</param>
    /// <param name="stream">The session's stream, Accept received.</param>
    /// <param name="offer">The terms.</param>
    /// <param name="state">A new session's state, its record stored.</param>
    /// <param name="store">The ledger.</param>
    /// <param name="options">Limits and deadlines.</param>
    /// <param name="time">The clock.</param>
    /// <param name="diagnostics">Where to tell of it.</param>
    /// <param name="ended">Called once, before <see cref="Completion"/> ends.</param>
    internal ConsumerSession(
        PeerConnection connection, PeerStream stream, Offer offer, ConsumerSessionState state, ILedgerStore store, SessionOptions options, TimeProvider time,
        SessionDiagnostics diagnostics, Action<ConsumerSession> ended)
    {
        _diagnostics = diagnostics;
        _ended = ended;
        _connection = connection;
        _stream = stream;
        Offer = offer;
        _state = state;
        _store = store;
        _options = options;
        _time = time;
        // The allowance is a quarter of the window: half of it is an eighth of the window.
        _gate = new CreditGate(CreditWindowRule.UpAllowance(state.Window), chunkShare: 2);
        _looksAfter = state.Window / 16;
        _tick = options.ReceiptDelay / 5;
        _inbox = new SessionInbox(stream.Input, time, _tick);
        _meter = new SessionMeter(_gate, _inbox.Wake);
        Id = state.Record.SessionId;
        Completion = RunAsync();
    }

    internal Digest Id { get; }

    internal Offer Offer { get; }

    internal PeerConnection Connection => _connection;

    /// <summary>Ends, never faulted, when the session is over and everything about it is on disk.</summary>
    internal Task Completion { get; }

    /// <summary>Why it ended; null while it lives and after a good end.</summary>
    internal SessionException? Error { get; private set; }

    /// <summary>What has been counted so far.</summary>
    internal ByteCount Count() => _meter.Count();

    /// <inheritdoc/>
    public async ValueTask<MeteredStream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(System.Text.Encoding.UTF8.GetByteCount(host), ConnectRequest.MaxHostSize, nameof(host));
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);

        PeerStream stream = await _connection.OpenStreamAsync(SessionProtocols.Connect, cancellationToken).ConfigureAwait(false);
        byte[] request = MessagePipes.Frame(new ConnectRequest(Id, host, (ushort)port).Encode());
        var meter = new StreamMeter(stream, LedgerRole.Consumer, request.Length, _gate, OnCounted);
        try
        {
            if (!_meter.TryAdd(meter)) throw new SessionException(Error?.Reason ?? SessionError.ShuttingDown, "The session is over.");
            await stream.Output.WriteAsync(request, cancellationToken).ConfigureAwait(false);
            byte[] bytes = await SessionLink.WithinAsync(_options.ConnectTimeout, _time,
                token => stream.Input.ReadMessageAsync(ConnectAnswer.MaxSize, token), cancellationToken).ConfigureAwait(false)
                ?? throw new SessionException(SessionError.ConnectionLost, "The provider ended the stream without an answer.");
            ConnectAnswer answer = ConnectAnswer.Decode(bytes) ?? throw new SessionException(SessionError.Malformed, "The provider's answer is none.");
            if (answer.Code != ConnectCode.Succeeded) throw new ConnectRefusedException(answer.Code, answer.Text);
            return new SessionStream(meter, answer.BoundEndPoint);
        }
        catch (Exception e)
        {
            stream.Abort(e.Message);
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Resets what is open, pays to the last byte, and ends the session.</summary>
    /// <param name="cancellationToken">Gives up the last receipt: the session is then settled at the next meeting.</param>
    internal async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        BeginClose();
        using CancellationTokenRegistration registration = cancellationToken.Register(static state => ((CancellationTokenSource)state!).Cancel(), _stop);
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Closes, waiting for the last receipt no longer than the options say.</summary>
    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(_options.CloseTimeout, _time);
        await CloseAsync(deadline.Token).ConfigureAwait(false);
    }

    private void BeginClose()
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0) return;
        _meter.AbortAll("The session is being closed.");
        _inbox.Wake();
    }

    private void OnCounted(long bytes)
    {
        if (_gate.IsHoldingBack || Interlocked.Add(ref _fresh, bytes) >= Volatile.Read(ref _looksAfter))
        {
            Volatile.Write(ref _fresh, 0);
            _inbox.Wake();
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        bool over = false;
        try
        {
            while (!over)
            {
                SessionMessage? message = await _inbox.NextAsync(_stop.Token).ConfigureAwait(false);
                if (message is not null) await HandleAsync(message).ConfigureAwait(false);
                over = await PayAsync().ConfigureAwait(false);
                _inbox.SetTick(_gate.IsHoldingBack ? s_shortTick : _tick);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            Error = e as SessionException ?? new SessionException(SessionError.ConnectionLost, "The session was lost: " + e.Message, e);
        }

        await EndAsync(over).ConfigureAwait(false);
        _diagnostics.Ended(Id, LedgerRole.Consumer, Error, _state.Acknowledged);
        _ended(this);
    }

    private async ValueTask HandleAsync(SessionMessage message)
    {
        switch (message)
        {
            case SessionMessage.Countersigned countersigned:
                ByteCount before = _state.Acknowledged;
                bool last = Volatile.Read(ref _closing) != 0 && _meter.LiveCount == 0 && _state.Pending is { Receipt.Body.Final: true };
                SessionStep step = _state.OnCountersigned(countersigned, last && !_state.OwesMore(_meter.Count()), _time.GetUtcNow());
                await _store.ApplyAsync(step).ConfigureAwait(false);
                if (step.Receipt is not null) _diagnostics.Paid(LedgerRole.Consumer, _state.Acknowledged.Total - before.Total);
                Volatile.Write(ref _looksAfter, _state.Window / 16);
                _gate.Pay(_state.Acknowledged.Up - before.Up, CreditWindowRule.UpAllowance(_state.Window));
                break;
            case SessionMessage.Finish:
                BeginClose();
                break;
            case SessionMessage.Close close:
                throw new SessionException(close.Reason, $"The provider ended the session: {close.Reason}.") { IsTold = true };
            default:
                throw new SessionException(SessionError.Malformed, $"The provider sent {message.GetType().Name}, which has no place in an open session.");
        }
    }

    // Sends the receipt that is due, if one is. True when the session has been closed in good order.
    private async ValueTask<bool> PayAsync()
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (_state.Pending is not null)
        {
            if (now - _state.PendingSince < _options.AnswerTimeout) return false;
            throw new SessionException(SessionError.Timeout, "The provider did not countersign a receipt in time.");
        }

        bool ending = Volatile.Read(ref _closing) != 0 && _meter.LiveCount == 0;
        ByteCount count = _meter.Count();
        if (ending && !_state.NeedsFinal(count))
        {
            await _store.ApplyAsync(new SessionStep(null, _state.Close(), null)).ConfigureAwait(false);
            await _stream.SendAsync(new SessionMessage.Close(SessionError.None), _stop.Token).ConfigureAwait(false);
            return true;
        }

        if (ending || _state.IsDue(count, now))
        {
            SessionStep step = _state.Issue(count, ending || _state.IsLegOver(count, now), now);
            await _store.ApplyAsync(step).ConfigureAwait(false);
            await _stream.SendAsync(step.Send!, _stop.Token).ConfigureAwait(false);
        }

        return false;
    }

    private async ValueTask EndAsync(bool closed)
    {
        Interlocked.Exchange(ref _closing, 1);
        SessionException reason = Error ?? new SessionException(SessionError.ShuttingDown, "The session is over.");
        _gate.Close(reason);
        _meter.AbortAll(reason.Message);
        await _meter.WhenFinishedAsync(_connection, _options.CloseTimeout, _time).ConfigureAwait(false);
        // After a failed write the machine is ahead of the disk: what the disk has is the truth then.
        if (!closed && reason.Reason != SessionError.Ledger) await SaveLossAsync().ConfigureAwait(false);
        await SayCloseAsync(reason.Reason, closed).ConfigureAwait(false);
        await _inbox.DisposeAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask SaveLossAsync()
    {
        try
        {
            await _store.SaveSessionAsync(_state.Lose(_meter.Count()), CancellationToken.None).ConfigureAwait(false);
        }
        catch (LedgerException)
        {
            // The record stays as it was: a checkpoint. That is what settling after a crash is for.
        }
    }

    private async ValueTask SayCloseAsync(SessionError reason, bool closed)
    {
        try
        {
            if (reason == SessionError.ConnectionLost)
            {
                _stream.Abort("The session was lost.");
                return;
            }

            using var deadline = new CancellationTokenSource(_options.CloseTimeout, _time);
            if (!closed) await _stream.SendAsync(new SessionMessage.Close(reason), deadline.Token).ConfigureAwait(false);
            await _stream.Output.CompleteAsync().ConfigureAwait(false);
            await _inbox.WaitForEndAsync(_options.CloseTimeout, _time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The other side will see the stream's end instead.
        }
    }

    private sealed class SessionStream(StreamMeter meter, IPEndPoint? bound) : MeteredStream
    {
        public override PipeReader Input => meter.Input;

        public override PipeWriter Output => meter.Output;

        public override IPEndPoint? BoundEndPoint => bound;

        public override void Abort(string reason) => meter.Stream.Abort(reason);

        public override ValueTask DisposeAsync() => meter.Stream.DisposeAsync();
    }
}
