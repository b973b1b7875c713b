using Overlay.Proofs;

namespace Overlay.Sharing.Limits;

/// <summary>Who waits for the line: consumers in turn, of each its connections in turn, of each its two directions as they came. Not safe on several
/// threads.</summary>
/// <remarks>A consumer with many connections, or a connection that always asks, gets one turn like everybody else. Its length is that of the sessions' own
/// limits: two for each live connection.</remarks>
internal sealed class FairQueue
{
    private readonly LinkedList<Consumer> _ring = new();
    private readonly Dictionary<PublicKey, LinkedListNode<Consumer>> _consumers = [];

    internal bool IsEmpty => _ring.Count == 0;

    /// <summary>Whose turn it is. Only if anybody waits.</summary>
    internal Waiter First => _ring.First!.Value.Ring.First!.Value.Waiters.First!.Value;

    internal void Add(Waiter waiter)
    {
        if (!_consumers.TryGetValue(waiter.Consumer, out LinkedListNode<Consumer>? consumer))
            _consumers.Add(waiter.Consumer, consumer = _ring.AddLast(new Consumer()));
        if (!consumer.Value.Connections.TryGetValue(waiter.Connection, out LinkedListNode<Connection>? connection))
            consumer.Value.Connections.Add(waiter.Connection, connection = consumer.Value.Ring.AddLast(new Connection()));
        connection.Value.Waiters.AddLast(waiter);
    }

    /// <summary>Takes out whose turn it is; the turn passes on.</summary>
    internal Waiter Take()
    {
        Waiter waiter = First;
        Remove(waiter);
        if (_consumers.TryGetValue(waiter.Consumer, out LinkedListNode<Consumer>? consumer))
        {
            ToEnd(consumer);
            if (consumer.Value.Connections.TryGetValue(waiter.Connection, out LinkedListNode<Connection>? connection)) ToEnd(connection);
        }

        return waiter;
    }

    /// <summary>Takes out somebody who waits no longer.</summary>
    internal void Remove(Waiter waiter)
    {
        if (!_consumers.TryGetValue(waiter.Consumer, out LinkedListNode<Consumer>? consumer)
            || !consumer.Value.Connections.TryGetValue(waiter.Connection, out LinkedListNode<Connection>? connection)
            || !connection.Value.Waiters.Remove(waiter) || connection.Value.Waiters.Count > 0) return;
        consumer.Value.Ring.Remove(connection);
        consumer.Value.Connections.Remove(waiter.Connection);
        if (consumer.Value.Ring.Count > 0) return;
        _ring.Remove(consumer);
        _consumers.Remove(waiter.Consumer);
    }

    private static void ToEnd<T>(LinkedListNode<T> node)
    {
        LinkedList<T> ring = node.List!;
        ring.Remove(node);
        ring.AddLast(node);
    }

    private sealed class Consumer
    {
        internal LinkedList<Connection> Ring { get; } = new();

        internal Dictionary<object, LinkedListNode<Connection>> Connections { get; } = [];
    }

    private sealed class Connection
    {
        internal LinkedList<Waiter> Waiters { get; } = new();
    }
}

/// <summary>Somebody who waits for the line, and is told how many bytes may be relayed.</summary>
internal sealed class Waiter(PublicKey consumer, object connection, int most) : TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    internal PublicKey Consumer => consumer;

    internal object Connection => connection;

    /// <summary>How many bytes there are.</summary>
    internal int Most => most;
}
