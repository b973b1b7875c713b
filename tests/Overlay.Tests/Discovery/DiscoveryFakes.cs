using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Mdns;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

/// <summary>What the tests of discovery share.</summary>
internal static class Peers
{
    internal static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal static PeerId New()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        return identity.PeerId;
    }

    internal static Multiaddr At(string ip, int port = 4001) => Multiaddr.FromIPEndPoint(new IPEndPoint(IPAddress.Parse(ip), port));

    internal static FakeTimeProvider Clock() => new(Start);

    /// <summary>Lets a clock go on until something is there that other tasks bring.</summary>
    internal static async Task<T> UntilAsync<T>(this FakeTimeProvider time, Task<T> task, TimeSpan step)
    {
        while (!task.IsCompleted)
        {
            Cancellation.ThrowIfCancellationRequested();
            time.Advance(step);
            await Task.WhenAny(task, Task.Run(static () => { }, Cancellation));
        }

        return await task;
    }
}

/// <summary>TXT records from a table; counts the questions.</summary>
internal sealed class TableOfTexts(Dictionary<string, string[]> table) : ITextRecords
{
    internal List<string> Asked { get; } = [];

    public ValueTask<IReadOnlyList<string>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        Asked.Add(name);
        return ValueTask.FromResult<IReadOnlyList<string>>(table.GetValueOrDefault(name) ?? []);
    }
}

/// <summary>Addresses of hosts from a table.</summary>
internal sealed class TableOfHosts(Dictionary<string, string[]> table) : IHostNames
{
    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, AddressFamily family, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<IPAddress>>([.. (table.GetValueOrDefault(name) ?? []).Select(IPAddress.Parse)]);
}

/// <summary>Name servers that do what a test says; counts the questions.</summary>
internal sealed class ScriptedHosts(Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>> answer) : IHostNames
{
    private int _asked;

    internal int AskedCount => Volatile.Read(ref _asked);

    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, AddressFamily family, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return new ValueTask<IReadOnlyList<IPAddress>>(answer(name, cancellationToken));
    }
}

/// <summary>Waits for what is written to the log.</summary>
internal sealed class LogWaiter(int eventId) : ILoggerFactory, ILogger
{
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task Written => _written.Task;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (id.Id == eventId) _written.TrySetResult();
    }

    public void Dispose()
    {
    }
}

/// <summary>One LAN in memory: what a member sends reaches every member, itself included.</summary>
internal sealed class FakeLan
{
    private readonly List<Member> _members = [];

    internal IMulticast Join(string ip)
    {
        var member = new Member(this, IPAddress.Parse(ip));
        lock (_members) _members.Add(member);
        return member;
    }

    internal sealed class Member(FakeLan lan, IPAddress address) : IMulticast
    {
        private readonly Channel<MdnsPacket> _packets = Channel.CreateUnbounded<MdnsPacket>();

        public IReadOnlyList<MdnsLink> FindLinks() => [new MdnsLink(1, "lan", [new LinkAddress(address, 24)])];

        public void Send(MdnsSend send)
        {
            lock (lan._members)
            {
                foreach (Member other in lan._members)
                {
                    if (send.To is null || send.To.Address.Equals(other.Address))
                        other._packets.Writer.TryWrite(new MdnsPacket(1, new IPEndPoint(address, MdnsState.Port), send.Packet));
                }
            }
        }

        public ValueTask<MdnsPacket> ReceiveAsync(CancellationToken cancellationToken) => _packets.Reader.ReadAsync(cancellationToken);

        public ValueTask DisposeAsync()
        {
            _packets.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        private IPAddress Address => address;
    }
}

/// <summary>A clock on which whoever waits has waited at once: time goes on by just what was waited for.</summary>
internal sealed class HurriedClock : TimeProvider
{
    private long _ticks;

    public override DateTimeOffset GetUtcNow() => Peers.Start.AddTicks(Interlocked.Read(ref _ticks));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime >= TimeSpan.Zero)
        {
            Interlocked.Add(ref _ticks, dueTime.Ticks);
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }

        return new Elapsed();
    }

    private sealed class Elapsed : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

internal static class Finders
{
    internal static PeerFinderParts Parts(TimeProvider? time = null, ITextRecords? texts = null) => new()
    {
        Time = time ?? TimeProvider.System,
        Loggers = NullLoggerFactory.Instance,
        TextRecords = texts ?? new TableOfTexts([]),
        OpenMulticast = (_, _) => null,
    };
}
