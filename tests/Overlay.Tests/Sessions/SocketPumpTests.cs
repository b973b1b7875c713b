using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Overlay.Sessions;

namespace Overlay.Tests.Sessions;

public class SocketPumpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pump_BothSidesHalfClose_BytesArriveAndItEnds()
    {
        await using var setup = await Setup.CreateAsync();
        byte[] sent = SessionTests.RandomBytes(3, 200_000);
        Task writing = setup.WriteRemoteAsync(sent);
        byte[] received = new byte[sent.Length];
        for (int at = 0; at < received.Length;) at += await setup.Target.ReceiveAsync(received.AsMemory(at), SocketFlags.None, Token);
        await writing;
        Assert.Equal(sent, received);

        await setup.Remote.Output.CompleteAsync();
        Assert.Equal(0, await setup.Target.ReceiveAsync(received, SocketFlags.None, Token));
        // The other direction is still open after the half-close.
        await setup.Target.SendAsync(new byte[] { 1, 2, 3 }, SocketFlags.None, Token);
        setup.Target.Shutdown(SocketShutdown.Send);
        Assert.Equal([1, 2, 3], await SessionTests.ReadToEndAsync(setup.Remote.Input));
        await setup.Pumping;
    }

    [Fact]
    public async Task Pump_ManySegmentsAndASlowTarget_BytesArriveInOrder()
    {
        await using var setup = await Setup.CreateAsync();
        byte[] sent = SessionTests.RandomBytes(4, 3_000_000);
        Task writing = setup.WriteRemoteAsync(sent);
        byte[] received = new byte[sent.Length];
        // Reads of odd sizes, so that sends end in the middle of segments.
        for (int at = 0; at < received.Length;) at += await setup.Target.ReceiveAsync(received.AsMemory(at, Math.Min(7_777, received.Length - at)), SocketFlags.None, Token);
        await writing;
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task Pump_CancelledWhileTheTargetTakesNothing_Ends()
    {
        await using var setup = await Setup.CreateAsync();
        Task writing = setup.WriteRemoteAsync(new byte[32 << 20]);
        while (setup.Target.Available == 0) await Task.Yield();
        await setup.Stop.CancelAsync();
        await setup.Pumping;
        await Assert.ThrowsAsync<IOException>(() => writing);
    }

    [Fact]
    public async Task Pump_RemoteFails_TargetIsReset()
    {
        await using var setup = await Setup.CreateAsync();
        await setup.Remote.Output.CompleteAsync(new IOException("The stream was reset."));
        await setup.Pumping;
        var error = await Assert.ThrowsAsync<SocketException>(async () => await setup.Target.ReceiveAsync(new byte[1], SocketFlags.None, Token));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task Pump_TargetResets_RemoteFails()
    {
        await using var setup = await Setup.CreateAsync();
        setup.Target.LingerState = new LingerOption(enable: true, seconds: 0);
        setup.Target.Dispose();
        await setup.Pumping;
        await Assert.ThrowsAsync<IOException>(async () => await setup.Remote.Input.ReadAsync(Token));
    }

    [Fact]
    public async Task Pump_Cancelled_EndsBothSides()
    {
        await using var setup = await Setup.CreateAsync();
        await setup.Stop.CancelAsync();
        await setup.Pumping;
        await Assert.ThrowsAsync<IOException>(async () => await setup.Remote.Input.ReadAsync(Token));
    }

    private sealed class Setup(Socket target, IDuplexPipe remote, Task pumping, CancellationTokenSource stop) : IAsyncDisposable
    {
        internal Socket Target { get; } = target;

        internal IDuplexPipe Remote { get; } = remote;

        internal Task Pumping { get; } = pumping;

        internal CancellationTokenSource Stop { get; } = stop;

        internal static async Task<Setup> CreateAsync()
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Task connecting = target.ConnectAsync(listener.LocalEndPoint!);
            Socket socket = await listener.AcceptAsync(Token);
            await connecting;
            Pipe there = new(), back = new();
            var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
            return new Setup(target, new Ends(back.Reader, there.Writer), SocketPump.RunAsync(socket, new Ends(there.Reader, back.Writer), stop.Token), stop);
        }

        internal async Task WriteRemoteAsync(byte[] bytes) => await Remote.Output.WriteAsync(bytes, Token);

        public async ValueTask DisposeAsync()
        {
            await Stop.CancelAsync();
            await Pumping;
            Stop.Dispose();
            Target.Dispose();
        }
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
