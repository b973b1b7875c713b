using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Market.Witnessing;

/// <summary>One visit that the target expects, and what it sends then: random, so that no exit can make it up.</summary>
internal sealed class TargetVisit(int size)
{
    internal const int TokenSize = 32;

    /// <summary>Bytes that are echoed one by one, each against one of the answers.</summary>
    internal const int EchoCount = 3;

    private readonly TaskCompletionSource<IPAddress> _from = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By which the visit is known: what a stranger does not know.</summary>
    internal byte[] Token { get; } = RandomNumberGenerator.GetBytes(TokenSize);

    /// <summary>The answers to the echoes.</summary>
    internal byte[] Echoes { get; } = RandomNumberGenerator.GetBytes(EchoCount);

    /// <summary>What the target sends.</summary>
    internal byte[] Down { get; } = RandomNumberGenerator.GetBytes(size);

    /// <summary>What it must be sent.</summary>
    internal byte[] Up { get; } = RandomNumberGenerator.GetBytes(size);

    /// <summary>The address from which the exit came.</summary>
    internal Task<IPAddress> From => _from.Task;

    internal void Came(IPAddress from) => _from.TrySetResult(from);
}

/// <summary>A witness's own target: takes connections at a public address, and talks to those who know a token that was made for one visit. Others it hangs
/// up on.</summary>
/// <remarks>
/// What is said, both ends being this node's: the token; then three times a byte and its answer; then the target sends the visit's bytes, is sent as many,
/// and answers the last with a byte when they are right.
/// </remarks>
internal sealed class WitnessTarget : IAsyncDisposable
{
    private static readonly TimeSpan s_tokenTime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TargetVisit> _expected = [];
    private readonly Socket _listener;
    private readonly WitnessOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _visits = new();
    private readonly Task _accepting;

    private WitnessTarget(Socket listener, WitnessOptions options, TimeProvider time, ILogger logger)
    {
        _listener = listener;
        _options = options;
        _time = time;
        _logger = logger;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where it takes connections, port filled in.</summary>
    internal IPEndPoint LocalEndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    /// <exception cref="OverlayException">The place cannot be listened on.</exception>
    internal static WitnessTarget Start(WitnessOptions options, TimeProvider time, ILogger logger)
    {
        IPEndPoint place = options.ListenOn ?? new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, options.TargetPort);
        var listener = new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (place.Address.Equals(IPAddress.IPv6Any)) listener.DualMode = true;
            listener.Bind(place);
            listener.Listen(options.MaxTargetConnections);
            return new WitnessTarget(listener, options, time, logger);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new OverlayException(OverlayError.ListenFailed, $"The witness's target cannot be served at {place}: {e.Message}", e);
        }
    }

    /// <summary>Expects one visit, until it comes or is given up.</summary>
    internal TargetVisit Expect()
    {
        var visit = new TargetVisit((int)_options.ProbeSize.Bytes);
        lock (_lock) _expected.Add(Convert.ToHexString(visit.Token), visit);
        return visit;
    }

    internal void GiveUp(TargetVisit visit)
    {
        lock (_lock) _expected.Remove(Convert.ToHexString(visit.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        await _visits.DrainAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                if (_visits.Count >= _options.MaxTargetConnections) socket.Dispose();
                else _visits.Run(() => TalkAsync(socket));
            }
            catch (SocketException e)
            {
                // One that was gone before it was taken, or no descriptors for a moment.
                WitnessLog.TargetFailed(_logger, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), _time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task TalkAsync(Socket socket)
    {
        using (socket)
        {
            using var deadline = new CancellationTokenSource(_options.ProbeTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
            try
            {
                socket.NoDelay = true;
                await TalkAsync(socket, either).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                WitnessLog.TargetFailed(_logger, e.Message);
            }
        }
    }

    private async Task TalkAsync(Socket socket, CancellationTokenSource over)
    {
        byte[] buffer = new byte[TargetVisit.TokenSize];
        using (var patience = new CancellationTokenSource(s_tokenTime, _time))
        using (var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, over.Token))
            await ReadAsync(socket, buffer, both.Token).ConfigureAwait(false);
        TargetVisit? visit;
        lock (_lock)
        {
            // Known once: whoever has seen it pass cannot come again.
            if (!_expected.Remove(Convert.ToHexString(buffer), out visit)) return;
        }

        visit.Came(((IPEndPoint)socket.RemoteEndPoint!).Address);
        for (int i = 0; i < TargetVisit.EchoCount; i++)
        {
            await ReadAsync(socket, buffer.AsMemory(0, 1), over.Token).ConfigureAwait(false);
            await WriteAsync(socket, visit.Echoes.AsMemory(i, 1), over.Token).ConfigureAwait(false);
        }

        await WriteAsync(socket, visit.Down, over.Token).ConfigureAwait(false);
        byte[] up = new byte[visit.Up.Length];
        await ReadAsync(socket, up, over.Token).ConfigureAwait(false);
        if (!up.AsSpan().SequenceEqual(visit.Up)) return;
        await WriteAsync(socket, visit.Echoes.AsMemory(0, 1), over.Token).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
        // Closing first could cut off what is under way.
        await socket.ReceiveAsync(buffer, over.Token).ConfigureAwait(false);
    }

    private static async Task ReadAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            int read = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException("The visitor went away.");
            buffer = buffer[read..];
        }
    }

    private static async Task WriteAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes, cancellationToken).ConfigureAwait(false)..];
    }
}
