using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.InMemoryPeers;

/// <summary>Two peers in one process, joined by two ordered queues of frames: what the real stack gives its users, without handshake and cipher.</summary>
/// <remarks>Keeps the seam's promises on counts: a byte is sent when its frame enters the queue and received when it leaves it, whatever becomes of it
/// afterwards; a reset stream is over once a ping behind the reset has come back.</remarks>
public sealed class InMemoryConnection : PeerConnection
{
    private readonly Channel<Frame> _incoming = Channel.CreateUnbounded<Frame>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<int, InMemoryStream> _streams = new();
    private readonly ConcurrentDictionary<int, Task> _handlers = new();
    private readonly Dictionary<string, Func<PeerStream, CancellationToken, Task>> _handlersByProtocol = [];
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _sendLock = new();
    private readonly PeerIdentity _remote;
    private readonly byte[] _handshakeHash;
    private InMemoryConnection _peer = null!;
    private Task _receiving = Task.CompletedTask;
    private int _nextId;
    private int _nextHandler;

    private InMemoryConnection(PeerIdentity remote, byte[] handshakeHash, Direction direction)
    {
        _remote = remote;
        _handshakeHash = handshakeHash;
        Direction = direction;
        _nextId = direction == Direction.Outbound ? 1 : 2;
    }

    /// <summary>Joins two peers. Set handlers with <see cref="Handle"/> before opening streams.</summary>
    public static (InMemoryConnection Dialer, InMemoryConnection Listener) Create(PeerIdentity dialer, PeerIdentity listener)
    {
        byte[] hash = RandomNumberGenerator.GetBytes(32);
        var outbound = new InMemoryConnection(listener, hash, Direction.Outbound);
        var inbound = new InMemoryConnection(dialer, hash, Direction.Inbound);
        outbound._peer = inbound;
        inbound._peer = outbound;
        outbound._receiving = Task.Run(outbound.ReceiveAsync);
        inbound._receiving = Task.Run(inbound.ReceiveAsync);
        return (outbound, inbound);
    }

    public override PeerId RemotePeer => _remote.PeerId;

    public override PeerPublicKey RemotePublicKey => _remote.PublicKey;

    public override Multiaddr LocalAddress => throw new NotSupportedException("Peers in memory have no addresses.");

    public override Multiaddr RemoteAddress => throw new NotSupportedException("Peers in memory have no addresses.");

    public override Direction Direction { get; }

    public override ReadOnlyMemory<byte> HandshakeHash => _handshakeHash;

    public override CancellationToken Closed => _closed.Token;

    /// <summary>Takes no notice of what the other side sends, resets among it: the other side's streams are over only when the connection is.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Runs <paramref name="handler"/> for each stream of <paramref name="protocol"/> that the other side opens.</summary>
    public void Handle(string protocol, Func<PeerStream, CancellationToken, Task> handler) => _handlersByProtocol[protocol] = handler;

    /// <summary>Ends once all handlers that ran on this side have ended.</summary>
    public Task WhenHandledAsync() => Task.WhenAll(_handlers.Values);

    public override ValueTask<PeerStream> OpenStreamAsync(string protocol, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int id = Interlocked.Add(ref _nextId, 2);
        var stream = new InMemoryStream(this, id, protocol);
        lock (_sendLock)
        {
            if (_closed.IsCancellationRequested) throw Lost();
            _streams[id] = stream;
            _peer._incoming.Writer.TryWrite(new Frame(FrameKind.Open, id, protocol, default, 0));
        }

        stream.Start();
        return ValueTask.FromResult<PeerStream>(stream);
    }

    public override ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken) => ValueTask.FromResult(TimeSpan.Zero);

    public override ValueTask CloseAsync(CancellationToken cancellationToken) => DisposeAsync();

    /// <summary>Breaks the connection: what is queued and not yet received is lost, as with a cut cable.</summary>
    public override void Abort(string reason)
    {
        Break();
        _peer.Break();
    }

    public override async ValueTask DisposeAsync()
    {
        Abort("The connection was closed.");
        await _receiving;
    }

    internal bool TrySend(FrameKind kind, int id, int size = 0)
    {
        lock (_sendLock)
        {
            if (_closed.IsCancellationRequested) return false;
            _peer._incoming.Writer.TryWrite(new Frame(kind, id, null, default, size));
            return true;
        }
    }

    /// <summary>Puts data into the queue unless the stream has failed; what <paramref name="sent"/> does happens together with it.</summary>
    internal bool TrySendData(int id, ReadOnlyMemory<byte> data, Func<bool> failed, Action sent)
    {
        lock (_sendLock)
        {
            if (_closed.IsCancellationRequested || failed()) return false;
            sent();
            _peer._incoming.Writer.TryWrite(new Frame(FrameKind.Data, id, null, data, 0));
            return true;
        }
    }

    /// <summary>Waits for whoever is putting a frame into the queue.</summary>
    internal void Barrier()
    {
        lock (_sendLock)
        {
            // Nothing to do: having had the lock is all.
        }
    }

    internal void Forget(int id) => _streams.TryRemove(id, out _);

    internal static ConnectionException Lost() => new(ConnectionError.ConnectionLost, ConnectionStep.Connection, Fault.Network, "The connection in memory was cut.");

    private void Break()
    {
        lock (_sendLock)
        {
            if (_closed.IsCancellationRequested) return;
            _closed.Cancel();
            _incoming.Writer.TryComplete();
        }
    }

    private async Task ReceiveAsync()
    {
        await foreach (Frame frame in _incoming.Reader.ReadAllAsync())
        {
            if (_closed.IsCancellationRequested) break;
            if (IsDeaf) continue;
            if (frame.Kind == FrameKind.Open) Accept(frame);
            else if (frame.Kind == FrameKind.Ping) TrySend(FrameKind.Pong, frame.Id);
            else if (_streams.TryGetValue(frame.Id, out InMemoryStream? stream)) stream.OnFrame(frame);
        }

        foreach (InMemoryStream stream in _streams.Values) stream.OnConnectionLost();
    }

    private void Accept(Frame frame)
    {
        var stream = new InMemoryStream(this, frame.Id, frame.Protocol!);
        _streams[frame.Id] = stream;
        stream.Start();
        if (!_handlersByProtocol.TryGetValue(frame.Protocol!, out Func<PeerStream, CancellationToken, Task>? handler))
        {
            stream.Abort("No such protocol.");
            return;
        }

        _handlers[Interlocked.Increment(ref _nextHandler)] = Task.Run(() => handler(stream, _closed.Token));
    }

    internal enum FrameKind
    {
        Open,
        Data,
        Window,
        Fin,
        Reset,
        Ping,
        Pong,
    }

    internal readonly record struct Frame(FrameKind Kind, int Id, string? Protocol, ReadOnlyMemory<byte> Data, int Size);
}
