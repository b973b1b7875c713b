using System.Collections.Concurrent;
using Overlay.TestKit.HostilePeers;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;

namespace Overlay.Transport.Tests.Hosts;

/// <summary>How the side that was dialled answers, seen by a dialler that writes its bytes by hand.</summary>
public sealed class InboundHandshakeTests
{
    // A prefix and an ephemeral key.
    private const int FirstMessageSize = 2 + 32;

    // Behind the prefix: an ephemeral key, a sealed static key and a sealed payload of at least a tag.
    private const int LeastSecondMessageSize = 2 + 32 + 48 + 16;

    private static readonly byte[] s_proposal = RawLine.Proposal("/noise");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // Where only a part comes along, the answer is held until the rest is there, and not for good.
    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(FirstMessageSize)]
    public async Task ProposalWithBytesOfTheFirstMessage_AnsweredInOneSendWithTheSecond(int count)
    {
        ConcurrentQueue<int> sends = [];
        await using var line = await DialAsync(sends);
        byte[] first = FirstMessage();

        await line.SendAsync([.. s_proposal, .. first[..count]], Cancellation);
        await line.SendAsync(first[count..], Cancellation);
        byte[] answer = new byte[s_proposal.Length + LeastSecondMessageSize];
        Assert.True(await line.TryReadAsync(answer, Cancellation));

        Assert.Equal(s_proposal, answer[..s_proposal.Length]);
        Assert.InRange(Assert.Single(sends), answer.Length, int.MaxValue);
    }

    [Fact]
    public async Task ProposalAlone_AnsweredBeforeTheFirstMessage()
    {
        ConcurrentQueue<int> sends = [];
        await using var line = await DialAsync(sends);

        await line.SendAsync(s_proposal, Cancellation);
        byte[] reply = new byte[s_proposal.Length];
        Assert.True(await line.TryReadAsync(reply, Cancellation));
        await line.SendAsync(FirstMessage(), Cancellation);
        Assert.True(await line.TryReadAsync(new byte[LeastSecondMessageSize], Cancellation));

        Assert.Equal(s_proposal, reply);
        Assert.Equal(s_proposal.Length, sends.First());
    }

    private static byte[] FirstMessage()
    {
        using var noise = new HandNoise();
        return HandNoise.Frame(noise.WriteFirst());
    }

    private static async Task<Dialled> DialAsync(ConcurrentQueue<int> sends)
    {
        var network = new MemoryNetwork();
        var identity = PeerIdentity.Generate();
        var host = new PeerHost(identity, null, [new RecordingTransport(network, sends.Enqueue)]);
        Multiaddr address = await host.ListenAsync(Multiaddr.Parse("/memory/1"), Cancellation);
        return new Dialled(host, identity, new RawLine(await new MemoryTransport(network).DialAsync(address, Cancellation)));
    }

    private sealed class Dialled(PeerHost host, PeerIdentity identity, RawLine line) : IAsyncDisposable
    {
        internal ValueTask SendAsync(byte[] bytes, CancellationToken cancellationToken) => line.SendAsync(bytes, cancellationToken);

        internal Task<bool> TryReadAsync(byte[] buffer, CancellationToken cancellationToken) => line.TryReadAsync(buffer, cancellationToken);

        public async ValueTask DisposeAsync()
        {
            await line.DisposeAsync();
            await host.DisposeAsync();
            identity.Dispose();
        }
    }
}
