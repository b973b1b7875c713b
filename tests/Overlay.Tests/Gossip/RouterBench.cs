using System.Text;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>One router under test, with peers that are played by the test and a clock that it moves. Checks are done at once and with real signatures.</summary>
internal sealed class RouterBench : IDisposable
{
    internal const string Topic = "news";

    private readonly List<PeerIdentity> _identities = [];
    private readonly List<GossipAction> _log = [];

    internal RouterBench(GossipOptions? options = null, int seed = 1)
    {
        Options = options ?? new GossipOptions();
        Self = NewIdentity();
        Router = new GossipRouter(Options, Self.PeerId, new Random(seed));
    }

    internal GossipOptions Options { get; }

    internal PeerIdentity Self { get; }

    internal GossipRouter Router { get; }

    internal TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Whether checks are left to the test.</summary>
    internal bool HoldsChecks { get; set; }

    internal Func<PendingMessage, GossipVerdict> Validator { get; set; } = _ => GossipVerdict.Accept;

    internal int SignatureChecks { get; private set; }

    internal IEnumerable<GossipMessage> Delivered => _log.OfType<GossipAction.Deliver>().Select(action => action.Message);

    internal IEnumerable<GossipAction.Dial> Dials => _log.OfType<GossipAction.Dial>();

    internal PeerIdentity NewIdentity()
    {
        byte[] seed = new byte[32];
        BitConverter.TryWriteBytes(seed, _identities.Count + 1);
        var identity = PeerIdentity.FromSeed(seed);
        _identities.Add(identity);
        return identity;
    }

    internal GossipPeer Connect(GossipVersion version = GossipVersion.V12, bool isOutbound = false, string? address = null, PeerIdentity? identity = null)
    {
        GossipPeer peer = Router.AddPeer(Now, (identity ?? NewIdentity()).PeerId, version, isOutbound, address)!;
        Act();
        return peer;
    }

    /// <summary>A peer that takes the topic's messages.</summary>
    internal GossipPeer ConnectSubscriber(GossipVersion version = GossipVersion.V12, bool isOutbound = false, string? address = null)
    {
        GossipPeer peer = Connect(version, isOutbound, address);
        Receive(peer, rpc => rpc.Subscriptions.Add(new SubscriptionChange(Topic, true)));
        return peer;
    }

    /// <summary>Joins the topic and grafts so many peers.</summary>
    internal GossipPeer[] JoinWithMesh(int count, GossipVersion version = GossipVersion.V12)
    {
        Router.Join(Now, Topic);
        GossipPeer[] peers = [.. Enumerable.Range(0, count).Select(_ => ConnectSubscriber(version))];
        foreach (GossipPeer peer in peers) Receive(peer, rpc => rpc.Graft.Add(Topic));
        Assert.Equal(count, Mesh.Count);
        Clear();
        return peers;
    }

    internal IReadOnlySet<GossipPeer> Mesh => Router.FindTopic(Topic)!.Mesh;

    internal void Join(string topic = Topic)
    {
        Router.Join(Now, topic);
        Act();
    }

    internal void Receive(GossipPeer from, Action<Rpc> fill)
    {
        var rpc = new Rpc();
        fill(rpc);
        Router.Receive(Now, from, rpc);
        Act();
    }

    internal void Receive(GossipPeer from, WireMessage message) => Receive(from, rpc => rpc.Messages.Add(message));

    internal void Beat(int count = 1)
    {
        for (int i = 0; i < count; i++)
        {
            Now += Options.HeartbeatInterval;
            Router.Heartbeat(Now);
            Act();
        }
    }

    internal void Publish(WireMessage message)
    {
        Router.Publish(Now, message);
        Act();
    }

    /// <summary>What was sent to a peer since the last <see cref="Clear"/>.</summary>
    internal List<Rpc> SentTo(GossipPeer peer)
    {
        Act();
        return [.. _log.OfType<GossipAction.Send>().Where(action => action.Peer == peer).Select(action => action.Rpc)];
    }

    internal int MessagesTo(GossipPeer peer) => SentTo(peer).Sum(rpc => rpc.Messages.Count);

    internal void Clear()
    {
        Act();
        _log.Clear();
    }

    internal List<PendingMessage> Held { get; } = [];

    internal void Act()
    {
        foreach (GossipAction action in Router.TakeActions())
        {
            _log.Add(action);
            if (action is not GossipAction.Check check) continue;
            SignatureChecks++;
            if (HoldsChecks) Held.Add(check.Message);
            else Finish(check.Message);
        }
    }

    internal void Finish(PendingMessage pending)
    {
        bool holds = SignatureCheck.HoldVarTime([pending])[0];
        if (holds) Router.Authenticate(pending);
        Router.Judge(Now, pending, holds ? Validator(pending) : GossipVerdict.Reject);
        Act();
    }

    internal WireMessage Signed(PeerIdentity author, string text, ulong sequence = 1, string topic = Topic) =>
        Parse(new MessageSigner(author, GossipSigning.StrictSign, sequence).Make(topic, Encoding.UTF8.GetBytes(text)));

    internal WireMessage Parse(byte[] encoded)
    {
        Assert.True(WireMessage.TryParse(encoded, Options.Limits, out WireMessage? message));
        return message;
    }

    /// <summary>The message with one bit of its signature turned.</summary>
    internal WireMessage Forged(WireMessage message)
    {
        byte[] bytes = message.Encoded.ToArray();
        bytes[^1] ^= 1;
        return Parse(bytes);
    }

    internal MessageId IdOf(WireMessage message)
    {
        MessageForm.Check(message, Options.Signing, out _, out PeerPublicKey? key);
        return MessageIdRule.Of(Options.MessageIds, message, key);
    }

    internal static MessageId SomeId(int number) => new(Encoding.UTF8.GetBytes($"id-{number:D6}"));

    public void Dispose()
    {
        foreach (PeerIdentity identity in _identities) identity.Dispose();
    }
}
