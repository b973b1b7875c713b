using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Discovery.Kademlia;

namespace Overlay.Market.Witnessing;

/// <summary>One visit that the target expects, and what it sends then: random, so that no exit can make it up.</summary>
internal sealed class TargetVisit(int size)
{
    internal const int TokenSize = 32;

    /// <summary>Bytes that are echoed one by one, each against one of the answers.</summary>
    internal const int EchoCount = 3;

    internal const int ReceiptSize = 16;

    private volatile bool _mayBeTurnedAway;
    private readonly TaskCompletionSource<IPAddress> _from = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By which the visit is known: what a stranger does not know.</summary>
    internal byte[] Token { get; } = RandomNumberGenerator.GetBytes(TokenSize);

    /// <summary>The answers to the echoes.</summary>
    internal byte[] Echoes { get; } = RandomNumberGenerator.GetBytes(EchoCount);

    /// <summary>What the target sends.</summary>
    internal byte[] Down { get; } = RandomNumberGenerator.GetBytes(size);

    /// <summary>What it must be sent.</summary>
    internal byte[] Up { get; } = RandomNumberGenerator.GetBytes(size);

    /// <summary>What the target answers when all of it is there. Has passed nowhere before, so that no exit can say it without having brought the
    /// rest.</summary>
    internal byte[] Receipt { get; } = RandomNumberGenerator.GetBytes(ReceiptSize);

    /// <summary>The address from which the exit came.</summary>
    internal Task<IPAddress> From => _from.Task;

    /// <summary>What a look that failed behind the exit says of it: nothing, where it may have come to the target and found it full.</summary>
    internal SightingOutcome OutcomeOfFailure => From.IsCompleted ? SightingOutcome.NotReached
        : _mayBeTurnedAway ? SightingOutcome.NotJudged
        : SightingOutcome.TargetNotReached;

    internal void Came(IPAddress from) => _from.TrySetResult(from);

    /// <summary>The target has turned somebody away while this visit was expected, and cannot know whom.</summary>
    internal void MayBeTurnedAway() => _mayBeTurnedAway = true;
}

/// <summary>A witness's own target: takes connections at a public address, and talks to those who know a token that was made for one visit. Others it hangs
/// up on.</summary>
/// <remarks>
/// What is said, both ends being this node's: the token; then three times a byte and its answer; then the target sends the visit's bytes, is sent as many,
/// and answers them with the visit's receipt when they are right.
/// </remarks>
internal sealed class WitnessTarget : IAsyncDisposable
{
    private static readonly TimeSpan s_tokenTime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TargetVisit> _expected = [];
    private readonly Dictionary<AddressGroup, int> _strangers = []; // connections that have said no token yet
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
                Receive(socket);
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

    private void Receive(Socket socket)
    {
        if (socket.RemoteEndPoint is not IPEndPoint from)
        {
            socket.Dispose();
            return;
        }

        AddressGroup network = AddressGroup.Of(from.Address);
        lock (_lock)
        {
            int strangers = _strangers.GetValueOrDefault(network);
            if (_visits.Count < _options.MaxTargetConnections && strangers < _options.MaxTargetStrangersPerNetwork)
            {
                _strangers[network] = strangers + 1;
                _visits.Run(() => TalkAsync(socket, from.Address, network));
                return;
            }

            // Noted before the visitor can learn of it, and with it the look.
            foreach (TargetVisit visit in _expected.Values) visit.MayBeTurnedAway();
        }

        socket.Dispose();
    }

    private async Task TalkAsync(Socket socket, IPAddress from, AddressGroup network)
    {
        using (socket)
        {
            using var deadline = new CancellationTokenSource(_options.ProbeTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
            try
            {
                if (await GreetAsync(socket, network, either.Token).ConfigureAwait(false) is not { } visit) return;
                visit.Came(from);
                await ServeAsync(socket, visit, either.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                WitnessLog.TargetFailed(_logger, e.Message);
            }
        }
    }

    /// <summary>The visit whose token is said; null for a stranger.</summary>
    private async Task<TargetVisit?> GreetAsync(Socket socket, AddressGroup network, CancellationToken over)
    {
        byte[] token = new byte[TargetVisit.TokenSize];
        try
        {
            socket.NoDelay = true;
            using var patience = new CancellationTokenSource(s_tokenTime, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, over);
            await ReadAsync(socket, token, both.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                if (--_strangers[network] == 0) _strangers.Remove(network);
            }
        }

        lock (_lock)
        {
            // Known once: whoever has seen it pass cannot come again.
            return _expected.Remove(Convert.ToHexString(token), out TargetVisit? visit) ? visit : null;
        }
    }

    private static async Task ServeAsync(Socket socket, TargetVisit visit, CancellationToken over)
    {
        byte[] one = new byte[1];
        for (int i = 0; i < TargetVisit.EchoCount; i++)
        {
            await ReadAsync(socket, one, over).ConfigureAwait(false);
            await WriteAsync(socket, visit.Echoes.AsMemory(i, 1), over).ConfigureAwait(false);
        }

        await WriteAsync(socket, visit.Down, over).ConfigureAwait(false);
        byte[] up = new byte[visit.Up.Length];
        await ReadAsync(socket, up, over).ConfigureAwait(false);
        if (!up.AsSpan().SequenceEqual(visit.Up)) return;
        await WriteAsync(socket, visit.Receipt, over).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
        // Closing first could cut off what is under way.
        await socket.ReceiveAsync(one, over).ConfigureAwait(false);
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
