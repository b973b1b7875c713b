using System.Threading.Tasks.Sources;

namespace Overlay.Transport.Yamux;

/// <summary>What the send loop sleeps on: set by anyone, waited for by the loop alone, and reused without allocation.</summary>
internal sealed class SendSignal : IValueTaskSource
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private bool _isSet;
    private bool _isAwaited;

    /// <summary>Whether the loop is asleep.</summary>
    internal bool IsAwaited
    {
        get
        {
            lock (_gate) return _isAwaited;
        }
    }

    internal void Set()
    {
        lock (_gate)
        {
            if (!_isAwaited)
            {
                _isSet = true;
                return;
            }

            _isAwaited = false;
            _core.SetResult(true);
        }
    }

    /// <summary>Forgets that it was set; by the loop, when it is about to look at all that it can have been set for.</summary>
    internal void Reset()
    {
        lock (_gate) _isSet = false;
    }

    internal ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return ValueTask.CompletedTask;
            }

            _core.Reset();
            _isAwaited = true;
            return new ValueTask(this, _core.Version);
        }
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
