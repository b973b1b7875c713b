using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;
using Overlay.Transport.Tcp;

namespace Overlay.Transport.Tests.Resources;

/// <summary>Connections by the thousand from one address, over real sockets, while others want to be served.</summary>
public class FloodTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Flood_FromOnePrefix_LeavesOthersDialsAlone(bool sendsGarbage)
    {
        const int HonestCount = 20, DialsEach = 5;
        await using var hosts = new Hosts();
        // Loopback counts like any address here: each of its addresses plays a machine.
        PeerHost target = hosts.Add(Hosts.Quiet(new ResourceOptions { PrefixRules = PrefixRule.General }), new TcpTransport(), null);
        Multiaddr address = await Hosts.ListenAsync(target, "/ip4/127.0.0.1/tcp/0");
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<int>[] flooding = [.. Enumerable.Range(0, 3).Select(_ => FloodAsync(address, sendsGarbage, enough.Token))];
        // Until the flood is felt.
        await Hosts.UntilAsync(() => target.Resources.Refusals.Any(r => r.Scope == ResourceScopeKind.Prefix));

        int succeeded = 0;
        for (int i = 0; i < HonestCount; i++)
        {
            PeerHost honest = hosts.Add(Hosts.Quiet(), new TcpFrom($"127.0.1.{i + 1}"), null);
            for (int dial = 0; dial < DialsEach; dial++)
            {
                try
                {
                    await using PeerConnection connection = await honest.ConnectAnewAsync(target.PeerId, [address], Cancellation);
                    await connection.PingAsync(Cancellation);
                    succeeded++;
                }
                catch (ConnectionException)
                {
                    // Counted by its absence.
                }
            }
        }

        await enough.CancelAsync();
        int attempts = (await Task.WhenAll(flooding)).Sum();

        Assert.InRange(succeeded, HonestCount * DialsEach * 95 / 100, HonestCount * DialsEach);
        RefusalCount[] refusals = [.. target.Resources.Refusals];
        Assert.All(refusals, r => Assert.Equal(ResourceScopeKind.Prefix, r.Scope));
        // Of the flood no more than one burst came as far as a handshake; a token may have come back meanwhile.
        Assert.InRange(refusals.Sum(r => r.Count), 1, attempts);
        Assert.InRange(target.Resources.TrackedPrefixCount, 1, HonestCount + 1);
    }

    /// <summary>Connects again and again from one address, and holds some of what it gets.</summary>
    private static async Task<int> FloodAsync(Multiaddr address, bool sendsGarbage, CancellationToken cancellationToken)
    {
        var held = new Queue<Socket>();
        int attempts = 0;
        byte[] garbage = new byte[512];
        try
        {
            while (true)
            {
                // Counted first: a refusal may arrive before the connection is reported as made.
                attempts++;
                Socket socket = await TcpFrom.ConnectAsync("127.0.2.66", address, cancellationToken);
                held.Enqueue(socket);
                if (sendsGarbage) await socket.SendAsync(garbage, SocketFlags.None, cancellationToken);
                if (held.Count > 50) held.Dequeue().Dispose();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            if (e is SocketException && !cancellationToken.IsCancellationRequested) return attempts + await FloodAsync(address, sendsGarbage, cancellationToken);
            return attempts;
        }
        finally
        {
            foreach (Socket socket in held) socket.Dispose();
        }
    }
}
