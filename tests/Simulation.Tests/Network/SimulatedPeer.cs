using Overlay.Discovery.Kademlia;
using Overlay.Transport.Identity;

namespace Overlay.Simulation.Tests.Network;

/// <summary>One peer of a simulated network.</summary>
internal sealed class SimulatedPeer(int number, Contact contact, KademliaNode node, bool isNatted)
{
    // As many as a node's default budget lets stand.
    private const int MaxConnections = 96;

    private readonly Dictionary<int, TimeSpan> _connections = [];

    internal int Number => number;

    internal Contact Contact => contact;

    internal KademliaNode Node => node;

    /// <summary>Whether nobody can dial it.</summary>
    internal bool IsNatted => isNatted;

    internal Multiaddr Address { get; } = contact.Addresses.Count == 0 ? Multiaddr.Parse("/ip4/8.8.8.8/tcp/1") : contact.Addresses[0];

    internal bool IsOnline { get; set; } = true;

    internal TimeSpan JoinedAt { get; init; }

    /// <summary>What answers in its stead; null for an honest peer.</summary>
    internal IMisbehaviour? Misbehaviour { get; init; }

    /// <summary>When it is to be woken next.</summary>
    internal TimeSpan WakesAt { get; set; } = TimeSpan.MaxValue;

    internal long BytesSent { get; set; }

    internal long RequestsServed { get; set; }

    /// <summary>Whether there is a connection to another; used or made now.</summary>
    internal bool Connect(SimulatedPeer other, TimeSpan now)
    {
        bool was = _connections.ContainsKey(other.Number) && other._connections.ContainsKey(number);
        Touch(other.Number, now);
        other.Touch(number, now);
        return was;
    }

    private void Touch(int other, TimeSpan now)
    {
        _connections[other] = now;
        if (_connections.Count <= MaxConnections) return;
        // A trim, as the host does it: the idle ones go, a few at once.
        foreach (int idle in _connections.OrderBy(pair => pair.Value).ThenBy(pair => pair.Key).Take(MaxConnections / 6).Select(pair => pair.Key).ToArray()) _connections.Remove(idle);
    }
}

/// <summary>A peer that does not answer as an honest one would.</summary>
internal interface IMisbehaviour
{
    /// <summary>Its answer; null for silence.</summary>
    KademliaMessage? Answer(SimulatedPeer self, RequestOrigin origin, KademliaMessage request, TimeSpan now);
}
