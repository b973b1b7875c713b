namespace Overlay.Gossip.Wire;

/// <summary>What one peer tells another at once (pubsub specification, "The RPC"; gossipsub v1.0 to v1.2, control messages).</summary>
internal sealed class Rpc
{
    internal List<SubscriptionChange> Subscriptions { get; } = [];

    internal List<WireMessage> Messages { get; } = [];

    internal List<IHave> IHave { get; } = [];

    /// <summary>The ids of all IWANT messages.</summary>
    internal List<MessageId> IWant { get; } = [];

    /// <summary>Topics of the GRAFT messages.</summary>
    internal List<string> Graft { get; } = [];

    internal List<Prune> Prune { get; } = [];

    /// <summary>The ids of all IDONTWANT messages.</summary>
    internal List<MessageId> IDontWant { get; } = [];

    /// <summary>How many IDONTWANT messages brought them.</summary>
    internal int IDontWantCount { get; set; }

    /// <summary>The bytes with their length in front, made when the first of several peers is sent this RPC.</summary>
    internal byte[]? Frame { get; set; }

    internal bool HasControl => IHave.Count + IWant.Count + Graft.Count + Prune.Count + IDontWant.Count > 0;

    internal bool IsEmpty => Subscriptions.Count + Messages.Count == 0 && !HasControl;

    /// <summary>Takes the first messages off as an RPC of their own, with the subscriptions; control messages, which may speak of later ones, stay behind.</summary>
    internal Rpc TakeMessages(int count)
    {
        var first = new Rpc();
        first.Subscriptions.AddRange(Subscriptions);
        first.Messages.AddRange(Messages.GetRange(0, count));
        Subscriptions.Clear();
        Messages.RemoveRange(0, count);
        return first;
    }

    internal static Rpc Of(WireMessage message)
    {
        var rpc = new Rpc();
        rpc.Messages.Add(message);
        return rpc;
    }
}

/// <summary>A peer begins or ends to take messages of a topic.</summary>
internal readonly record struct SubscriptionChange(string Topic, bool Subscribes);

/// <summary>Messages of a topic that the sender could give.</summary>
internal readonly record struct IHave(string Topic, IReadOnlyList<MessageId> Ids);

/// <summary>The sender takes the receiver out of its mesh.</summary>
/// <param name="Topic">Of which topic.</param>
/// <param name="BackoffSeconds">How long not to graft again; zero says nothing.</param>
/// <param name="Peers">Others to try instead.</param>
internal readonly record struct Prune(string Topic, ulong BackoffSeconds, IReadOnlyList<ExchangedPeer> Peers);

/// <summary>A peer named in a PRUNE: its id, and its signed record where the sender has one. Nothing of it is checked yet.</summary>
internal readonly record struct ExchangedPeer(ReadOnlyMemory<byte> PeerId, ReadOnlyMemory<byte> SignedRecord);
