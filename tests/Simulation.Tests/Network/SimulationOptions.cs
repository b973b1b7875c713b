using Overlay.Discovery.Kademlia;

namespace Overlay.Simulation.Tests.Network;

/// <summary>What a simulated network is like. One seed, one history.</summary>
internal sealed record SimulationOptions
{
    internal required int Seed { get; init; }

    internal KademliaOptions Kademlia { get; init; } = new();

    /// <summary>Time from one peer to another, drawn for each pair between these.</summary>
    internal TimeSpan MinLatency { get; init; } = TimeSpan.FromMilliseconds(10);

    internal TimeSpan MaxLatency { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Share of messages that are lost on their first way and come 300 ms later, as TCP sends them again.</summary>
    internal double Loss { get; init; } = 0.01;

    /// <summary>Share of peers behind a NAT: they ask as clients, nobody can dial them.</summary>
    internal double Natted { get; init; }

    /// <summary>Whether every message goes through the wire encoding.</summary>
    internal bool Encodes { get; init; }
}
