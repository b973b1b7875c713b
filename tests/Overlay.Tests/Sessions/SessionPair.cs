using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.TestKit.InMemoryPeers;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Tcp;

namespace Overlay.Tests.Sessions;

/// <summary>A consumer and a provider over connections in memory, with ledgers of their own and a loopback socket as the target.</summary>
internal sealed class SessionPair : IAsyncDisposable
{
    internal SessionPair(SessionOptions? options = null, ProviderTerms? terms = null, IExit? exit = null, TimeProvider? clock = null,
        Func<ILedgerStore, ILedgerStore>? providerDisk = null, ILogger? providerLog = null, IOwnerLine? providerLine = null)
    {
        Clock = clock ?? Time;
        Options = options ?? new SessionOptions();
        Exit = exit ?? Origin;
        Provider = new ProviderSessions(ProviderSigner, providerDisk is null ? ProviderStore : providerDisk(ProviderStore), Exit, terms ?? new ProviderTerms { PricePerGiB = 50_000, Region = "DE" }, Options, Clock,
            providerLog is null ? null : new SessionDiagnostics(providerLog, null), ProviderPeers, line: providerLine);
        Consumer = new ConsumerSessions(ConsumerSigner, ConsumerStore, Options, Clock, null, ConsumerPeers);
        (Dialer, Listener) = Connect();
    }

    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 4, 0, 0, TimeSpan.Zero));

    /// <summary>What the two go by: <see cref="Time"/>, unless a test needs ticks while sockets do their work.</summary>
    internal TimeProvider Clock { get; }

    internal SessionOptions Options { get; }

    internal PeerIdentity ConsumerIdentity { get; } = PeerIdentity.Generate();

    internal PeerIdentity ProviderIdentity { get; } = PeerIdentity.Generate();

    /// <summary>The consumer's host. Its connections are the pair's own; it only knows whom it protects.</summary>
    internal PeerHost ConsumerPeers => field ??= new PeerHost(ConsumerIdentity);

    internal PeerHost ProviderPeers => field ??= new PeerHost(ProviderIdentity);

    internal ISigner ConsumerSigner => new IdentitySigner(ConsumerIdentity);

    internal ISigner ProviderSigner => new IdentitySigner(ProviderIdentity);

    internal PublicKey ConsumerKey => ConsumerSigner.PublicKey;

    internal PublicKey ProviderKey => ProviderSigner.PublicKey;

    internal InMemoryLedgerStore ConsumerStore { get; } = new();

    internal InMemoryLedgerStore ProviderStore { get; } = new();

    internal Origin Origin { get; } = new();

    internal IExit Exit { get; }

    internal ProviderSessions Provider { get; }

    internal ConsumerSessions Consumer { get; }

    internal InMemoryConnection Dialer { get; private set; }

    internal InMemoryConnection Listener { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A further connection between the two.</summary>
    internal (InMemoryConnection Dialer, InMemoryConnection Listener) Connect(PeerIdentity? consumer = null)
    {
        (InMemoryConnection dialer, InMemoryConnection listener) = InMemoryConnection.Create(consumer ?? ConsumerIdentity, ProviderIdentity);
        listener.Handle(SessionProtocols.Offer, Provider.HandleOfferAsync);
        listener.Handle(SessionProtocols.Session, Provider.HandleSessionAsync);
        listener.Handle(SessionProtocols.Connect, Provider.HandleConnectAsync);
        return (dialer, listener);
    }

    internal void Reconnect() => (Dialer, Listener) = Connect();

    internal ValueTask<ConsumerSession> OpenAsync() => Consumer.OpenAsync(Dialer, new SessionWish(), Token);

    internal async Task<List<ReceiptEntry>> ReceiptsAsync(InMemoryLedgerStore store)
    {
        var receipts = new List<ReceiptEntry>();
        await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(null, Token)) receipts.Add(entry);
        return receipts;
    }

    internal async Task<(long Up, long Down)> TotalAsync(InMemoryLedgerStore store)
    {
        long up = 0, down = 0;
        foreach (ReceiptEntry entry in await ReceiptsAsync(store))
        {
            if (!entry.Receipt.Body.Final) continue;
            Assert.True(entry.Receipt.IsCountersigned);
            up += (long)entry.Opening.Up;
            down += (long)entry.Opening.Down;
        }

        return (up, down);
    }

    public async ValueTask DisposeAsync()
    {
        await Dialer.DisposeAsync();
        await Listener.DisposeAsync();
        await Listener.WhenHandledAsync();
        await Origin.DisposeAsync();
        await ConsumerPeers.DisposeAsync();
        await ProviderPeers.DisposeAsync();
    }
}

/// <summary>A target on loopback. Each connection is handed to what <see cref="Serve"/> holds; by default bytes come back as they went.</summary>
internal sealed class Origin : IExit, IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Task> _served = [];
    private readonly Task _accepting;

    internal Origin()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    internal Func<Socket, Task> Serve { get; set; } = EchoAsync;

    public async ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndPoint!, cancellationToken);
        return new ExitConnection(TcpSocket.Open(socket), (IPEndPoint)socket.LocalEndPoint!);
    }

    /// <summary>Sends <paramref name="size"/> bytes, then ends.</summary>
    internal static Func<Socket, Task> Send(long size) => async socket =>
    {
        byte[] block = new byte[16 * 1024];
        for (long left = size; left > 0;)
            left -= await socket.SendAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)), SocketFlags.None);
        socket.Shutdown(SocketShutdown.Send);
    };

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_served);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _served.Add(ServeAsync(await _listener.AcceptAsync()));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await Serve(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The provider reset it.
        }
        finally
        {
            socket.Dispose();
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        byte[] buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer, SocketFlags.None) is var count and > 0)
            for (int sent = 0; sent < count;) sent += await socket.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None);
        socket.Shutdown(SocketShutdown.Send);
    }
}
