using Overlay.TestKit.HostilePeers.Channels;
using Overlay.TestKit.HostilePeers.Handshakes;
using Overlay.TestKit.HostilePeers.Muxing;
using Overlay.TestKit.HostilePeers.Protocols;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>All misbehaviours there are, made anew at each call.</summary>
public static class Misbehaviours
{
    /// <summary>One of each kind.</summary>
    public static IReadOnlyList<Misbehaviour> Create() =>
    [
        new SilentSockets(),
        new HalfHandshakes(),
        new TrickledHandshake(),
        new ConnectionChurn(),
        new OneIdentityManyConnections(),
        new IdleConnections(),
        new ForeignProtocol(),
        new EndlessLengthPrefix(),
        new OversizeLine(),
        new ListFlood(),
        new ProposalFlood(),
        new ForgedHandshake(1),
        new ForgedHandshake(3),
        new SmallOrderKey(),
        new OversizeHandshake(),
        new ClaimedIdentity(SomebodyElse()),
        new ReplayedIdentity(),
        new HugeRsaIdentity(),
        new PayloadBomb(),
        new MuxerLists(),
        new MuxerNegotiationFlood(),
        new ForgedMessage(),
        new ReplayedMessage(),
        new ReorderedMessages(),
        new ForgedNonce(ulong.MaxValue),
        new EmptyMessageFlood(),
        new ShortMessage(0),
        new CutMessage(),
        ForgedFrames.OversizeFrame,
        ForgedFrames.OversizeOpening,
        ForgedFrames.OverWindow,
        ForgedFrames.WindowOverflow,
        ForgedFrames.ReusedId,
        ForgedFrames.UnsolicitedPong,
        ForgedFrames.UnknownGoAway,
        new PingFlood(reads: true),
        new PingFlood(reads: false),
        new RapidReset(),
        new StreamFlood(reads: true),
        new StreamFlood(reads: false),
        new EmptyUpdateFlood(),
        new EmptyDataFlood(),
        new StrayFrameFlood(),
        new GoAwayFlood(),
        new OpensBehindGoAway(),
        new MakesTheHostReset(),
        new StreamProposalFlood(),
        new NeverReads(),
        new TricklingWriter(),
        new UnreadStreams(),
        new UnreadStreams(streamCount: 200, size: 250_000),
        new SlowClose(),
        new PlaysDead(),
        IdentifyLies.ManyAddresses,
        IdentifyLies.ManyProtocols,
        IdentifyLies.OversizeMessage,
        IdentifyLies.Garbage,
        IdentifyLies.OthersRecord,
        IdentifyLies.NoAnswer,
        new PushFlood(),
        new PerfAbuse(),
        new PingAbuse(),
        new UnreadEchoes(),
    ];

    private static PeerPublicKey SomebodyElse()
    {
        using var other = PeerIdentity.Generate();
        return other.PublicKey;
    }
}
