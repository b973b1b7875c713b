using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;
using Overlay.Transport.Resources;
using Overlay.Transport.Tcp;

namespace Overlay.Transport.Tests.Resources;

/// <summary>Any number of hosts that one test makes, ended with it; quiet ones, so that every stream is the test's own.</summary>
internal sealed class Hosts : IAsyncDisposable
{
    private static readonly TimeSpan s_never = TimeSpan.FromMinutes(2);

    private readonly List<(PeerHost Host, PeerIdentity Identity)> _hosts = [];

    internal MemoryNetwork Network { get; } = new();

    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>No identify, and no keep-alive that a test's jump in time would take for a dead peer.</summary>
    internal static TransportOptions Quiet(ResourceOptions? resources = null, TrimOptions? trimming = null) => new()
    {
        IdentifyOnConnect = false,
        Yamux = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan, KeepAliveTimeout = Timeout.InfiniteTimeSpan, PingDeadline = Timeout.InfiniteTimeSpan },
        Resources = resources ?? new(),
        Trimming = trimming ?? new(),
    };

    /// <summary>A host on the memory network and the test's clock.</summary>
    internal PeerHost Add(TransportOptions? options = null) => Add(options ?? Quiet(), new MemoryTransport(Network), Time);

    internal PeerHost Add(TransportOptions options, IByteTransport transport, TimeProvider? time)
    {
        var identity = PeerIdentity.Generate();
        var host = new PeerHost(identity, options, [transport], time);
        _hosts.Add((host, identity));
        return host;
    }

    internal static ValueTask<Multiaddr> ListenAsync(PeerHost host, string address = "/memory/1") => host.ListenAsync(Multiaddr.Parse(address), Cancellation);

    /// <summary>Waits for what another task is about to do, looking again whenever others have had their turn.</summary>
    /// <remarks>What does not come at all fails its own test, and does not keep all others from being told.</remarks>
    internal static async Task UntilAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Cancellation.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(started) > s_never) Assert.Fail($"It never came about that {what}.");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((PeerHost host, PeerIdentity identity) in _hosts)
        {
            await host.DisposeAsync();
            identity.Dispose();
        }

        // However the test went: a host that has closed holds nothing.
        foreach ((PeerHost host, _) in _hosts)
        {
            await UntilAsync(() => host.Resources.Node == default);
            Budgets.AssertEmpty(host.Resources);
        }
    }
}

/// <summary>TCP on loopback from a chosen source address, so that one machine plays many.</summary>
internal sealed class TcpFrom(string source) : IByteTransport
{
    private readonly TcpTransport _inner = new();

    public bool CanDial(Multiaddr address) => _inner.CanDial(address);

    public async ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        try
        {
            return new TcpByteConnection(await ConnectAsync(source, address, cancellationToken));
        }
        catch (SocketException e)
        {
            throw new ConnectionException(ConnectionError.Unreachable, ConnectionStep.Dial, Fault.Network, e.Message, e);
        }
    }

    public ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken) => _inner.ListenAsync(address, cancellationToken);

    internal static async Task<Socket> ConnectAsync(string source, Multiaddr address, CancellationToken cancellationToken)
    {
        Assert.True(address.TryGetIPEndPoint(out IPEndPoint? endPoint));
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
            await socket.ConnectAsync(endPoint, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
