using Overlay.Gossip;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>A node's part in gossip: topics, their messages, and who passes them on (gossipsub 1.2 and 1.1).</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlayGossip
{
    private readonly GossipNode _node;

    internal OverlayGossip(GossipNode node) => _node = node;

    /// <summary>Begins to take a topic's messages.</summary>
    /// <param name="topic">Its name, at most <see cref="GossipLimits.MaxTopicSize"/> bytes of UTF-8.</param>
    /// <returns>The messages from now on; dispose it to end.</returns>
    /// <exception cref="ArgumentException">The name is empty, too long or not among <see cref="GossipOptions.AllowedTopics"/>.</exception>
    public GossipSubscription Subscribe(string topic) => _node.Subscribe(topic);

    /// <summary>Sends a message to all who take the topic's messages. Subscribing oneself is not needed.</summary>
    /// <param name="topic">The topic's name.</param>
    /// <param name="data">What to say; copied.</param>
    /// <param name="cancellationToken">Gives up waiting for room in the queues.</param>
    /// <returns>To how many connected peers it was queued; 0 when nobody is there or the same message was sent before.</returns>
    /// <exception cref="ArgumentException">The name cannot be a topic here, or the data are too long for <see cref="GossipLimits.MaxMessageSize"/>.</exception>
    public ValueTask<int> PublishAsync(string topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _node.PublishAsync(topic, data, cancellationToken);

    /// <summary>Judges a topic's messages before they are delivered and passed on. Without a validator everything is good whose signature holds.</summary>
    /// <param name="topic">The topic's name.</param>
    /// <param name="validator">Called on the thread pool, for several messages at once; has <see cref="GossipLimits.MaxValidationTime"/>.</param>
    /// <returns>Dispose it to judge no more.</returns>
    /// <exception cref="ArgumentException">The topic has a validator already, or cannot be a topic here.</exception>
    public IDisposable Validate(string topic, GossipValidator validator)
    {
        ArgumentNullException.ThrowIfNull(validator);
        return _node.Validate(topic, validator);
    }

    /// <summary>The topics that connected peers or this node take messages of.</summary>
    public IReadOnlyList<string> Topics => _node.Topics;

    /// <summary>Connected peers that take a topic's messages.</summary>
    public IReadOnlyList<PeerId> PeersOf(string topic) => _node.PeersOf(topic ?? throw new ArgumentNullException(nameof(topic)));

    /// <summary>Those of them with which this node exchanges messages at once.</summary>
    public IReadOnlyList<PeerId> MeshOf(string topic) => _node.MeshOf(topic ?? throw new ArgumentNullException(nameof(topic)));

    /// <summary>A peer's score; null for one that is not gossiped with.</summary>
    public double? ScoreOf(PeerId peer) => _node.ScoreOf(peer ?? throw new ArgumentNullException(nameof(peer)));
}
