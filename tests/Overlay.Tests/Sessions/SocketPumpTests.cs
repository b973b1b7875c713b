using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Overlay.Sessions;
using Overlay.Sessions.Metering;
using Overlay.Tests.Sharing.Limits;
using Overlay.Transport.Tcp;

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

    [Fact]
    public async Task Pump_MuchIsThere_AsksForWhatOneReadTakes()
    {
        var opened = new TaskCompletionSource();
        var pass = new Pass { Opened = opened.Task };
        await using var setup = await Setup.CreateAsync(pass);
        byte[] sent = SessionTests.RandomBytes(5, 2_000_000);
        Task there = setup.WriteRemoteAsync(sent), back = setup.Target.SendAsync(sent, SocketFlags.None, Token).AsTask();
        byte[] received = new byte[sent.Length];
        opened.SetResult();
        Task<byte[]> reading = ReadAsync(setup.Remote.Input, sent.Length);
        for (int at = 0; at < received.Length;) at += await setup.Target.ReceiveAsync(received.AsMemory(at), SocketFlags.None, Token);

        Assert.Equal(sent, received);
        Assert.Equal(sent, await reading);
        await Task.WhenAll(there, back);
        Assert.Equal(2 * CreditGate.FrameSize, pass.Asked.Max());
        // One more is asked for where the system wakes who waits for nothing.
        Assert.InRange(pass.Taken, 2L * sent.Length, 2L * sent.Length + 1);
    }

    [Fact]
    public async Task Pump_HasToAsk_AsksForWhatIsThereAndReceivesNoMoreThanGiven()
    {
        var pass = new Pass { Most = 100 };
        await using var setup = await Setup.CreateAsync(pass);
        byte[] sent = SessionTests.RandomBytes(6, 100);
        for (int i = 0; i < 200; i++)
        {
            await setup.Target.SendAsync(sent, SocketFlags.None, Token);
            Assert.Equal(sent, await ReadAsync(setup.Remote.Input, sent.Length));
        }

        // Hardly anything is held by who only waits: the system wakes one now and then for nothing.
        Assert.InRange(pass.Asked.Count(asked => asked != 100), 0, 40);
        await setup.Target.SendAsync(SessionTests.RandomBytes(6, 30_050), SocketFlags.None, Token);
        await ReadAsync(setup.Remote.Input, 30_050);
        Assert.InRange(pass.Taken, 50_050, 50_051);
        Assert.Equal(0, pass.PassedUnasked);
    }

    [Fact]
    public async Task Pump_EndsBeforeItReceives_WhatWasGivenIsGivenBack()
    {
        var opened = new TaskCompletionSource();
        var pass = new Pass { Opened = opened.Task };
        await using var setup = await Setup.CreateAsync(pass);
        await setup.Target.SendAsync(new byte[1000], SocketFlags.None, Token);
        await LimitsFakes.UntilAsync(() => !pass.Asked.IsEmpty);
        await setup.Stop.CancelAsync();

        opened.SetResult();
        await setup.Pumping;

        Assert.Equal(1000, pass.Asked.Single());
        Assert.Equal(0, pass.Taken);
    }

    [Fact]
    public async Task Pump_RemoteFails_PassEndsWhileTheSocketCanStillBeAsked()
    {
        bool? wasOpen = null;
        var pass = new Pass();
        await using var setup = await Setup.CreateAsync(pass);
        pass.Ended = () => wasOpen ??= !setup.Socket.SafeHandle.IsClosed;
        await setup.Remote.Output.CompleteAsync(new IOException("The stream was reset."));
        await setup.Pumping;
        Assert.True(wasOpen);
        Assert.True(setup.Socket.SafeHandle.IsClosed);
    }

    private static async Task<byte[]> ReadAsync(PipeReader input, int count)
    {
        ReadResult read = await input.ReadAtLeastAsync(count, Token);
        byte[] bytes = read.Buffer.ToArray();
        input.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    /// <summary>Gives what is asked for, up to a most, once it is open.</summary>
    private sealed class Pass : IRelayPass
    {
        private long _taken, _passed;

        internal int Most { get; init; } = int.MaxValue;

        internal Task Opened { get; init; } = Task.CompletedTask;

        internal Action Ended { get; set; } = static () => { };

        internal ConcurrentQueue<int> Asked { get; } = new();

        internal long Taken => Interlocked.Read(ref _taken);

        internal long PassedUnasked => Interlocked.Read(ref _passed);

        public bool IsFree => false;

        public int Period => 7;

        public void Passed(int count) => Interlocked.Add(ref _passed, count);

        public async ValueTask<int> TakeAsync(int most, CancellationToken cancellationToken)
        {
            Asked.Enqueue(most);
            await Opened.InTime();
            int given = Math.Min(most, Most);
            Interlocked.Add(ref _taken, given);
            return given;
        }

        public void GiveBack(int count, int period)
        {
            Assert.Equal(Period, period);
            Interlocked.Add(ref _taken, -count);
        }

        public void Dispose() => Ended();
    }

    private sealed class Setup(Socket target, Socket socket, IDuplexPipe remote, Task pumping, CancellationTokenSource stop) : IAsyncDisposable
    {
        internal Socket Target { get; } = target;

        /// <summary>What is pumped.</summary>
        internal Socket Socket { get; } = socket;

        internal IDuplexPipe Remote { get; } = remote;

        internal Task Pumping { get; } = pumping;

        internal CancellationTokenSource Stop { get; } = stop;

        internal static async Task<Setup> CreateAsync(IRelayPass? pass = null)
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
            return new Setup(target, socket, new Ends(back.Reader, there.Writer),
                SocketPump.RelayAsync(TcpSocket.Open(socket), new Ends(there.Reader, back.Writer), pass, stop.Token), stop);
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
