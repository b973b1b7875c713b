using System.Net;
using System.Net.Sockets;
using CsCheck;
using Overlay.Transport.Tcp;

namespace Overlay.Transport.Tests.Tcp;

public class SocketTrafficTests
{
    [Fact]
    public void Credit_AnySegments_IsNeverLessThanWhatIsInOrderNorFarMore() =>
        Gen.Select(Gen.ULong[0, 4 << 20], Gen.UInt[0, 4000], Gen.UInt[0, 4000], Gen.UInt[1, 65_535]).Array[1, 100].Sample(looks =>
        {
            ulong inOrder = 0, credited = 0, ahead = 0;
            foreach ((ulong bytes, uint early, uint others, uint mss) in looks)
            {
                (ulong credit, ahead) = SocketTraffic.Credit(bytes, early + others, early, mss, ahead);
                inOrder += bytes;
                credited += credit;
                Assert.InRange(credited, inOrder, inOrder + SocketTraffic.MaxAhead);
                Assert.Equal(credited - inOrder, ahead);
            }
        });

    [Fact]
    public void Credit_GapIsFilled_CountsOnceWhatCameBehindIt()
    {
        (ulong behind, ulong ahead) = SocketTraffic.Credit(inOrder: 0, segments: 100, early: 100, mss: 1448, ahead: 0);
        Assert.Equal((144_800UL, 144_800UL), (behind, ahead));

        Assert.Equal((1448UL, 0UL), SocketTraffic.Credit(inOrder: 101 * 1448, segments: 1, early: 0, mss: 1448, ahead));
    }

    /// <summary>A byte in each segment, and the same ones again and again: else they would be taken for full ones, and the owner's bytes hide behind
    /// them.</summary>
    [Fact]
    public void Credit_PeerRepeatsTinySegmentsOutOfOrder_HidesAMebibyteAtMost()
    {
        ulong credited = 0, ahead = 0;
        for (int i = 0; i < 1000; i++)
        {
            (ulong credit, ahead) = SocketTraffic.Credit(inOrder: 0, segments: 1000, early: 1000, mss: 1448, ahead);
            credited += credit;
        }

        Assert.Equal(1UL << 20, credited);
    }

    [Fact]
    public void Add_SocketIsGone_IsNotCounted()
    {
        var traffic = new SocketTraffic();
        var disposed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        disposed.Dispose();
        traffic.Add(disposed);
        using var never = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        traffic.Add(never);

        Assert.Equal(new SocketReading(0, 0, null), traffic.Read());
        Assert.False(traffic.IsLoopbackOnly);
        traffic.Remove(disposed);
    }

    [Fact]
    public async Task Add_PeerHasResetTheConnection_IsNoError()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint, token);
        using Socket accepted = await listener.AcceptSocketAsync(token);
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        client.Dispose();
        // Waits until the reset is there.
        await Assert.ThrowsAsync<SocketException>(async () => await accepted.ReceiveAsync(new byte[1], SocketFlags.None, token));

        new SocketTraffic().Add(accepted);
    }
}
