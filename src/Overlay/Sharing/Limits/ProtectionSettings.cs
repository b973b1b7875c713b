using Microsoft.Extensions.Logging;
using Overlay.Proofs;
using Overlay.Transport.Tcp;

namespace Overlay.Sharing.Limits;

/// <summary>What protects an owner, put together.</summary>
internal sealed record ProtectionSettings
{
    /// <summary>The limits, where none are kept.</summary>
    internal OwnerLimits Initial { get; init; } = new();

    /// <summary>The data folder; null keeps nothing.</summary>
    internal string? Folder { get; init; }

    /// <summary>Where usage is kept.</summary>
    internal required IUsageStore Store { get; init; }

    /// <summary>The node's key.</summary>
    internal required PublicKey Key { get; init; }

    internal IYieldPolicy Policy { get; init; } = new IdleYieldPolicy();

    internal required ILineCounters Line { get; init; }

    internal required ILineSurroundings Surroundings { get; init; }

    /// <summary>Counts the node's own sockets.</summary>
    internal SocketTraffic Traffic { get; init; } = new();

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    internal required ILogger Logger { get; init; }

    /// <summary>Whether it looks at the line by itself; a test does that step by step.</summary>
    internal bool LooksItself { get; init; } = true;
}
