using System.IO.Pipelines;
using System.Threading.Channels;
using Overlay.Sessions.Messages;

namespace Overlay.Sessions;

/// <summary>What a session's loop waits for: the other side's messages, wake-ups, the tick of the clock, the end.</summary>
/// <remarks>Owns the reading of the session stream and the timer. One reader of events; anybody may <see cref="Wake"/>.</remarks>
internal sealed class SessionInbox : IAsyncDisposable
{
    // Few: a peer that sends faster than its messages are handled waits in the transport.
    private readonly Channel<SessionMessage> _messages = Channel.CreateBounded<SessionMessage>(4);
    private readonly SemaphoreSlim _events = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private readonly Task _reading;
    private TimeSpan _tick;
    private int _woken;

    internal SessionInbox(PipeReader input, TimeProvider time, TimeSpan tick)
    {
        _tick = tick;
        _timer = time.CreateTimer(static state => ((SessionInbox)state!).Wake(), this, tick, tick);
        _reading = ReadAsync(input);
    }

    /// <summary>Waits for the next event.</summary>
    /// <returns>A message, or null for a wake-up.</returns>
    /// <exception cref="SessionException">The stream ended or broke, or what came is no message.</exception>
    internal async ValueTask<SessionMessage?> NextAsync(CancellationToken cancellationToken)
    {
        await _events.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_messages.Reader.TryRead(out SessionMessage? message)) return message;
        if (Interlocked.Exchange(ref _woken, 0) == 0 && _messages.Reader.Completion.IsCompleted)
            await _messages.Reader.Completion.ConfigureAwait(false);
        return null;
    }

    /// <summary>Makes the loop look at the state of things. Many wake-ups before it does are one.</summary>
    internal void Wake()
    {
        if (Interlocked.Exchange(ref _woken, 1) == 0) _events.Release();
    }

    /// <summary>Waits until the other side has ended the stream, or no longer than <paramref name="patience"/>; messages no longer matter.</summary>
    internal async ValueTask WaitForEndAsync(TimeSpan patience, TimeProvider time)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        try
        {
            await foreach (SessionMessage _ in _messages.Reader.ReadAllAsync(deadline.Token).ConfigureAwait(false)) continue;
        }
        catch (Exception e) when (e is SessionException or OperationCanceledException)
        {
            // The end, or no more patience.
        }
    }

    /// <summary>Changes how often the clock wakes the loop.</summary>
    internal void SetTick(TimeSpan tick)
    {
        if (tick == _tick) return;
        _tick = tick;
        _timer.Change(tick, tick);
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task ReadAsync(PipeReader input)
    {
        SessionException end;
        try
        {
            while (true)
            {
                byte[]? bytes = await input.ReadMessageAsync(MessagePipes.MaxSize, _stop.Token).ConfigureAwait(false);
                if (bytes is null)
                {
                    end = new SessionException(SessionError.ConnectionLost, "The other side ended the session's stream.");
                    break;
                }

                if (SessionMessage.Decode(bytes) is not { } message)
                {
                    end = new SessionException(SessionError.Malformed, "The other side sent what is no message.");
                    break;
                }

                await _messages.Writer.WriteAsync(message, _stop.Token).ConfigureAwait(false);
                _events.Release();
            }
        }
        catch (SessionException e)
        {
            end = e;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            end = new SessionException(SessionError.ConnectionLost, "The session's stream broke: " + e.Message, e);
        }

        _messages.Writer.Complete(end);
        _events.Release();
    }
}
