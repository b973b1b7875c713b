using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.TestKit.HostilePeers;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;
using Overlay.Transport.Resources;
using Overlay.Transport.Tcp;

namespace Overlay.Hostile.Tests;

/// <summary>A host under attack, its log and its counts, and the honest peer whose service must go on. The host's clock is the test's.</summary>
internal sealed class Arena : IAsyncDisposable
{
    /// <summary>Goal: 95 of 100 honest visits succeed, so of these all but one.</summary>
    private const int VisitCount = 20;

    // Not an assertion on time: a wait for something that never comes must end some time, and say what there was instead.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private readonly FakeLogCollector _log;
    private readonly LoggerFactory _loggers;
    private readonly HostCounts _counts;
    private readonly HonestPeer _honest;
    private readonly SemaphoreSlim _changed = new(0);
    private readonly CancellationTokenSource _watch;

    private Arena(TransportOptions? options, IByteTransport transport, IByteTransport honestTransport)
    {
        _watch = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _watch.CancelAfter(s_patience);
        _log = FakeLogCollector.Create(new FakeLogCollectorOptions { OutputSink = _ => Signal() });
        _loggers = new LoggerFactory([new FakeLoggerProvider(_log)], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        _counts = new HostCounts(Signal);
        Host = new PeerHost(_identity, options, [transport], Time, _loggers, _counts);
        HonestPeer.Serve(Host);
        _honest = new HonestPeer(honestTransport, Time);
    }

    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    internal PeerHost Host { get; }

    internal HostileTarget Target { get; private set; } = null!;

    /// <summary>Cancelled with the test, or when a wait is hopeless.</summary>
    internal CancellationToken Cancellation => _watch.Token;

    /// <summary>A host on a network inside this process.</summary>
    internal static Task<Arena> CreateAsync(TransportOptions? options = null)
    {
        var transport = new MemoryTransport(new MemoryNetwork());
        return CreateAsync(options, transport, transport, transport, "/memory/1");
    }

    /// <summary>A host on a real socket of the loopback interface, where the hostile and the honest peer come from different networks.</summary>
    internal static Task<Arena> CreateOnTcpAsync(TransportOptions? options = null) => CreateAsync(
        options, new TcpTransport(), new BoundTcpTransport(IPAddress.Parse("127.6.6.6")), new BoundTcpTransport(IPAddress.Parse("127.1.1.1")), "/ip4/127.0.0.1/tcp/0");

    /// <summary>Lets a misbehaviour run until the returned attack is disposed.</summary>
    internal Attack Begin(Misbehaviour misbehaviour) => new(misbehaviour, Target, new Stage(Time, Signal), Cancellation);

    /// <summary>One go of a misbehaviour, however it ends.</summary>
    internal async Task RunOnceAsync(Misbehaviour misbehaviour)
    {
        try
        {
            await misbehaviour.RunOnceAsync(Target, new Stage(Time), Cancellation);
        }
        catch (ConnectionException)
        {
            // Cut off in the middle.
        }
    }

    /// <summary>The honest peer's service goes on.</summary>
    internal async Task ExpectServiceAsync()
    {
        int served = 0;
        for (int i = 0; i < VisitCount; i++)
            if (await _honest.TryVisitAsync(Target, Cancellation)) served++;
        Assert.True(served >= VisitCount - 1, $"{served} of {VisitCount} honest visits succeeded.\n{Describe()}");
    }

    /// <summary>Waits until the host has logged that it refused a connection before it was one.</summary>
    internal Task ExpectRefusedAsync(ConnectionError error, ConnectionStep? step = null, int count = 1) =>
        ExpectLoggedAsync(1003, count, record => Is(record, "Error", error) && (step is null || Is(record, "Step", step.Value)));

    /// <summary>Waits until the host has logged that it ended a connection for this reason.</summary>
    internal Task ExpectCutOffAsync(ConnectionError error, string words = "") =>
        ExpectLoggedAsync(1002, 1, record => Is(record, "Error", error) && record.Message.Contains(words, StringComparison.Ordinal));

    /// <summary>Waits for log records of an event.</summary>
    internal async Task ExpectLoggedAsync(int eventId, int count = 1, Func<FakeLogRecord, bool>? matches = null) =>
        await UntilAsync(() => _log.GetSnapshot().Count(record => record.Id == eventId && (matches?.Invoke(record) ?? true)) >= count, $"log event {eventId}");

    /// <summary>Waits for log records of an event that say this.</summary>
    internal Task ExpectLoggedAsync(int eventId, string words) => ExpectLoggedAsync(eventId, 1, record => record.Message.Contains(words, StringComparison.Ordinal));

    /// <summary>How often an event was logged so far.</summary>
    internal int CountLogged(int eventId) => _log.GetSnapshot().Count(record => record.Id == eventId);

    /// <summary>Waits until the host is as it was before the attack: no connection, no stream and nothing of its budget taken, and it serves.</summary>
    internal async Task ExpectCalmAsync()
    {
        await UntilAsync(IsCalm, "calm");
        await ExpectServiceAsync();
        await UntilAsync(IsCalm, "calm");
        Assert.Equal(0, CountLogged(1007));
    }

    /// <summary>Waits for a condition that a log record or a change of the host's counts can bring about.</summary>
    internal async Task UntilAsync(Func<bool> condition, string what)
    {
        try
        {
            while (!condition()) await _changed.WaitAsync(Cancellation);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            Assert.Fail($"There was no {what}.\n{Describe()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _honest.DisposeAsync();
        Task closing = Host.DisposeAsync().AsTask();
        // What a peer holds open is ended by deadlines, which are on the test's clock and begin at some point of the closing. The delay only spares the processor.
        while (!closing.IsCompleted)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(closing, Task.Delay(1, CancellationToken.None));
        }

        await closing;
        _counts.Dispose();
        _loggers.Dispose();
        _identity.Dispose();
        _watch.Dispose();
        _changed.Dispose();
    }

    private static async Task<Arena> CreateAsync(TransportOptions? options, IByteTransport transport, IByteTransport hostile, IByteTransport honest, string address)
    {
        var arena = new Arena(options, transport, honest);
        Multiaddr listening = await arena.Host.ListenAsync(Multiaddr.Parse(address), TestContext.Current.CancellationToken);
        arena.Target = new HostileTarget(hostile, listening, arena.Host.PeerId);
        return arena;
    }

    private static bool Is<T>(FakeLogRecord record, string name, T value)
        where T : struct, Enum =>
        record.GetStructuredStateValue(name) == value.ToString();

    private bool IsCalm()
    {
        ResourceSnapshot resources = Host.Resources;
        return Host.Connections.Count == 0 && _counts.Connections == 0 && _counts.Streams == 0
            && resources.Node is { ConnectionCount: 0, StreamCount: 0, MemorySize: 0 } && resources.Transient == default
            && resources is { PeerCount: 0, ProtocolCount: 0, PrefixCount: 0 };
    }

    private void Signal()
    {
        try
        {
            _changed.Release();
        }
        catch (Exception e) when (e is ObjectDisposedException or SemaphoreFullException)
        {
            // Nobody waits any more.
        }
    }

    private string Describe()
    {
        IEnumerable<string> kinds = _log.GetSnapshot().GroupBy(record => (record.Id.Id, record.Message)).Select(group => $"  {group.Count()} x {group.Key.Id} {group.Key.Message}");
        return $"{Host.Connections.Count} connections, {_counts.Streams} streams; {Host.Resources.Node}, transient {Host.Resources.Transient}; the log holds\n{string.Join('\n', kinds.Take(30))}";
    }
}

/// <summary>The host's own counts, read from its meter.</summary>
internal sealed class HostCounts : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private readonly List<Meter> _meters = [];
    private int _connections;
    private int _streams;

    internal HostCounts(Action changed)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            lock (_meters)
                if (_meters.Contains(instrument.Meter)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, change, _, _) =>
        {
            if (instrument.Name == "overlay.transport.connections") Interlocked.Add(ref _connections, change);
            else if (instrument.Name == "overlay.transport.streams") Interlocked.Add(ref _streams, change);
            changed();
        });
        _listener.Start();
    }

    internal int Connections => Volatile.Read(ref _connections);

    internal int Streams => Volatile.Read(ref _streams);

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        lock (_meters) _meters.Add(meter);
        return meter;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Meter meter in _meters) meter.Dispose();
    }
}

/// <summary>A misbehaviour under way. Disposing stops it.</summary>
internal sealed class Attack : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly Stage _stage;
    private readonly Task _run;

    internal Attack(Misbehaviour misbehaviour, HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stage = stage;
        _run = Task.Run(() => misbehaviour.RunAsync(target, _stage, _stop.Token), CancellationToken.None);
    }

    internal int RoundCount => _stage.RoundCount;

    internal Task InFullSwingAsync(CancellationToken cancellationToken) => Task.WhenAny(_stage.InFullSwing, _run).Unwrap().WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }
}
