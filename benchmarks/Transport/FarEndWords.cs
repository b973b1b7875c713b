using System.Globalization;
using Overlay.Benchmarks.Processes;
using Overlay.Benchmarks.Transport.Carriers;
using Overlay.Benchmarks.Transport.Links;

namespace Overlay.Benchmarks.Transport;

/// <summary>What the far end understands, a line each, answered by <c>ok …</c> or <c>failed …</c>.</summary>
internal sealed class FarEndWords : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly HeldConnections _held = new();

    /// <summary>CPU seconds and managed allocations of this process so far.</summary>
    internal static (double CpuSeconds, long Allocated) Spent() => (Environment.CpuUsage.TotalTime.TotalSeconds, GC.GetTotalAllocatedBytes(precise: true));

    internal async Task<string> AnswerAsync(string line)
    {
        switch (line.Split(' '))
        {
            case ["listen", var key]:
                Carrier carrier = Carrier.Create(key);
                _owned.Add(carrier);
                return "ok " + await carrier.ListenAsync(StreamServices.ServeAsync);
            case ["forward", var port, var delay, var rate]:
                var link = new LongLink(
                    int.Parse(port, CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(double.Parse(delay, CultureInfo.InvariantCulture)),
                    double.Parse(rate, CultureInfo.InvariantCulture));
                _owned.Add(link);
                return string.Create(CultureInfo.InvariantCulture, $"ok {link.Port}");
            case ["dial", var key, var count, .. var address]:
                await _held.DialAsync(key, int.Parse(count, CultureInfo.InvariantCulture), string.Join(' ', address));
                return "ok ";
            case ["open", var count]:
                await _held.OpenStreamsAsync(int.Parse(count, CultureInfo.InvariantCulture));
                return "ok ";
            case ["exchange", var index]:
                await _held.ExchangeAsync(int.Parse(index, CultureInfo.InvariantCulture));
                return "ok ";
            case ["spent"]:
                GC.Collect();
                (double cpu, long allocated) = Spent();
                return string.Create(CultureInfo.InvariantCulture, $"ok {cpu:R} {allocated}");
            case ["sample"]:
                return string.Create(CultureInfo.InvariantCulture, $"ok {Timer.ActiveCount} {ProcessSample.Take().ToLine()}");
            default:
                return "failed: unknown word";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _held.DisposeAsync();
        foreach (IAsyncDisposable owned in _owned) await owned.DisposeAsync();
    }
}
