using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Market.Witnessing;

namespace Overlay.Tests.Market.Witnessing;

public sealed class WitnessTargetTests : IAsyncDisposable
{
    private readonly WitnessTarget _target = WitnessTarget.Start(
        new WitnessOptions
        {
            Target = "127.0.0.1:1",
            ListenOn = new IPEndPoint(IPAddress.Loopback, 0),
            ProbeSize = new ByteSize(16 << 10),
            MaxTargetConnections = 2
        }, TimeProvider.System, new FakeLogger());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _target.DisposeAsync();

    [Fact]
    public async Task Visit_WithItsToken_IsEchoedSentAndTaken_OnceOnly()
    {
        TargetVisit visit = _target.Expect();
        using (Socket socket = await ConnectAsync())
        {
            await socket.SendAsync(visit.Token, Token);
            for (int i = 0; i < TargetVisit.EchoCount; i++)
            {
                await socket.SendAsync(new byte[] { 9 }, Token);
                Assert.Equal([visit.Echoes[i]], await ReadAsync(socket, 1));
            }

            Assert.Equal(visit.Down, await ReadAsync(socket, visit.Down.Length));
            await socket.SendAsync(visit.Up, Token);
            Assert.Equal(visit.Receipt, await ReadAsync(socket, TargetVisit.ReceiptSize));
            Assert.Equal(IPAddress.Loopback, await visit.From.WaitAsync(Token));
        }

        using Socket again = await ConnectAsync();
        await again.SendAsync(visit.Token, Token);
        Assert.Empty(await ReadAsync(again, 1));
    }

    [Fact]
    public async Task Visit_OtherBytesThanTheRightOnes_AreNotAnswered()
    {
        TargetVisit visit = _target.Expect();
        using Socket socket = await ConnectAsync();
        await socket.SendAsync((byte[])[.. visit.Token, 1, 2, 3], Token);
        await ReadAsync(socket, TargetVisit.EchoCount + visit.Down.Length);
        await socket.SendAsync(new byte[visit.Up.Length], Token);
        Assert.Empty(await ReadAsync(socket, 1));
    }

    [Fact]
    public async Task Stranger_WithoutAToken_IsHungUpOn()
    {
        TargetVisit visit = _target.Expect();
        _target.GiveUp(visit);
        foreach (byte[] said in new[] { new byte[TargetVisit.TokenSize], visit.Token, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"u8.ToArray() })
        {
            using Socket socket = await ConnectAsync();
            await socket.SendAsync(said, Token);
            Assert.Empty(await ReadAsync(socket, 1));
        }
    }

    [Fact]
    public async Task Strangers_MoreThanThereIsRoomFor_AreClosedAtOnce()
    {
        using Socket first = await ConnectAsync(), second = await ConnectAsync();
        // The two say nothing, and are waited for.
        using Socket third = await ConnectAsync();
        Assert.Empty(await ReadAsync(third, 1));
    }

    [Fact]
    public async Task Strangers_OfOneNetwork_LeaveRoomForOthers()
    {
        await using WitnessTarget target = WitnessTarget.Start(
            new WitnessOptions { Target = "127.0.0.1:1", ListenOn = new IPEndPoint(IPAddress.Loopback, 0), MaxTargetStrangersPerNetwork = 2 },
            TimeProvider.System, new FakeLogger());
        TargetVisit visit = target.Expect();
        using Socket first = await ConnectAsync(target, "127.0.0.2"), second = await ConnectAsync(target, "127.0.0.3");
        using (Socket third = await ConnectAsync(target, "127.0.0.4")) Assert.Empty(await ReadAsync(third, 1));
        using Socket elsewhere = await ConnectAsync(target, "127.0.1.2");
        await elsewhere.SendAsync((byte[])[.. visit.Token, 9], Token);
        Assert.Equal(visit.Echoes[..1], await ReadAsync(elsewhere, 1));

        // Who has said its token is a stranger no more, and makes room.
        TargetVisit other = target.Expect(), last = target.Expect();
        await first.SendAsync((byte[])[.. other.Token, 9], Token);
        Assert.Equal(other.Echoes[..1], await ReadAsync(first, 1));
        using Socket fourth = await ConnectAsync(target, "127.0.0.5");
        await fourth.SendAsync((byte[])[.. last.Token, 9], Token);
        Assert.Equal(last.Echoes[..1], await ReadAsync(fourth, 1));
    }

    [Fact]
    public async Task Failure_OfAVisit_SaysNothingWhereItMayHaveBeenTurnedAway()
    {
        TargetVisit came = _target.Expect();
        using Socket first = await ConnectAsync();
        await first.SendAsync((byte[])[.. came.Token, 9], Token);
        await ReadAsync(first, 1);
        TargetVisit expected = _target.Expect();
        Assert.Equal(SightingOutcome.TargetNotReached, expected.OutcomeOfFailure);
        using Socket second = await ConnectAsync();
        using (Socket third = await ConnectAsync()) Assert.Empty(await ReadAsync(third, 1));
        Assert.Equal(SightingOutcome.NotJudged, expected.OutcomeOfFailure);
        // Neither one that was there already nor one that is expected after that is in doubt.
        Assert.Equal(SightingOutcome.NotReached, came.OutcomeOfFailure);
        Assert.Equal(SightingOutcome.TargetNotReached, _target.Expect().OutcomeOfFailure);
    }

    [Fact]
    public void Start_WhereSomebodyElseListens_SaysSo()
    {
        OverlayException taken = Assert.Throws<OverlayException>(() =>
            WitnessTarget.Start(new WitnessOptions { Target = "127.0.0.1:1", ListenOn = _target.LocalEndPoint }, TimeProvider.System, new FakeLogger()));
        Assert.Equal(OverlayError.ListenFailed, taken.Reason);
    }

    private Task<Socket> ConnectAsync() => ConnectAsync(_target, "127.0.0.1");

    private static async Task<Socket> ConnectAsync(WitnessTarget target, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(target.LocalEndPoint, Token);
        return socket;
    }

    // As many bytes, or fewer when the target hangs up.
    private static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        byte[] buffer = new byte[count];
        int read = 0;
        try
        {
            while (read < count && await socket.ReceiveAsync(buffer.AsMemory(read), Token) is > 0 and var more) read += more;
        }
        catch (SocketException)
        {
            // It was closed with something unread.
        }

        return buffer[..read];
    }
}
