using System.Runtime.InteropServices;

namespace Overlay.Node;

/// <summary>Ctrl-C and SIGTERM: the first asks for a graceful stop, the second is left to the system, which ends the process at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    internal StopSignals() =>
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Take), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take)];

    /// <summary>Cancelled by the first signal.</summary>
    internal CancellationToken Stop => _stop.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _stop.Dispose();
    }

    private void Take(PosixSignalContext context)
    {
        if (_stop.IsCancellationRequested) return;
        context.Cancel = true;
        // On another thread: what is registered on the token must not keep the second signal from being heard.
        ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _stop, preferLocal: false);
    }
}
