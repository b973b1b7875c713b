namespace Overlay.Fuzzing.Engine;

/// <summary>Ends the process when one input does not end: the thread that runs it cannot be stopped. Owns the thread that looks.</summary>
internal sealed class Watchdog : IDisposable
{
    // Longer than the limit for one input by its repetitions and by what a busy machine may add.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly FuzzLoop _loop;
    private readonly Action<byte[]> _onHang;
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _thread;

    /// <param name="loop">The run to look at.</param>
    /// <param name="onHang">Told of the input, before the process ends with exit code 3.</param>
    internal Watchdog(FuzzLoop loop, Action<byte[]> onHang)
    {
        _loop = loop;
        _onHang = onHang;
        // Not the pool's: an input may hold that.
        _thread = new Thread(Look) { IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _ended.Set();
        _thread.Join();
        _ended.Dispose();
    }

    private void Look()
    {
        long last = -1;
        while (!_ended.Wait(s_patience))
        {
            long count = _loop.Count;
            if (count == last)
            {
                _onHang(_loop.Current);
                Environment.Exit(3);
            }

            last = count;
        }
    }
}
