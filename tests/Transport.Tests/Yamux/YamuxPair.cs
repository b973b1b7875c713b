using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>Two sessions that talk to each other in memory, on a clock that the test moves.</summary>
internal sealed class YamuxPair : IAsyncDisposable
{
    private readonly MemorySecureChannel _first;
    private readonly MemorySecureChannel _second;

    private YamuxPair(YamuxOptions options, MemorySecureChannel first, MemorySecureChannel second)
    {
        _first = first;
        _second = second;
        Outbound = new YamuxSession(first, Direction.Outbound, options, Time);
        Inbound = new YamuxSession(second, Direction.Inbound, options, Time);
    }

    internal FakeTimeProvider Time { get; } = new();

    internal YamuxSession Outbound { get; }

    internal YamuxSession Inbound { get; }

    internal static YamuxPair Create(YamuxOptions? options = null, int capacity = 1024, Func<int, int>? split = null)
    {
        (MemorySecureChannel first, MemorySecureChannel second) = MemorySecureChannel.CreatePair(capacity, split);
        return new YamuxPair(options ?? YamuxOptions.Default, first, second);
    }

    internal async Task<(YamuxStream Opened, YamuxStream Accepted)> OpenAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        MuxedStream opened = await Outbound.OpenStreamAsync(cancellationToken);
        opened.ReleaseHeld();
        MuxedStream? accepted = await Inbound.AcceptStreamAsync(cancellationToken);
        Assert.NotNull(accepted);
        accepted.ReleaseHeld();
        Assert.Equal(opened.Id, accepted.Id);
        return ((YamuxStream)opened, (YamuxStream)accepted);
    }

    public async ValueTask DisposeAsync()
    {
        await Outbound.DisposeAsync();
        await Inbound.DisposeAsync();
        Assert.Equal(0, _first.HeldBuffers + _second.HeldBuffers);
    }
}
