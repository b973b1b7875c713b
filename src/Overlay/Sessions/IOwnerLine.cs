using System.Net.Sockets;
using Overlay.Proofs;

namespace Overlay.Sessions;

/// <summary>The owner's line, as far as strangers may have it. What protects the owner implements it.</summary>
internal interface IOwnerLine
{
    /// <summary>Null while service is given; else why it is not, in words that are fit for a consumer.</summary>
    string? Refusal { get; }

    /// <summary>Begins to relay for a consumer. Dispose of the pass before the socket.</summary>
    IRelayPass Begin(PublicKey consumer, Socket target);
}

/// <summary>One relayed connection's leave to use the line. Both of its directions may ask at once. Disposing of it is idempotent.</summary>
internal interface IRelayPass : IDisposable
{
    /// <summary>Whether nothing is held back at this moment: whoever relays then need not ask, and only tells by <see cref="Passed"/>. One volatile
    /// read.</summary>
    bool IsFree { get; }

    /// <summary>Which quotas and which period are counted against; grows with each. Read before asking.</summary>
    int Period { get; }

    /// <summary>Counts bytes that were relayed without asking.</summary>
    void Passed(int count);

    /// <summary>Asks for leave to relay, and waits for it in turn.</summary>
    /// <param name="most">How many bytes there are to relay; at least 1.</param>
    /// <param name="cancellationToken">Leaves the queue with nothing taken.</param>
    /// <returns>How many may be relayed: from 1 to <paramref name="most"/>. They are counted.</returns>
    /// <exception cref="IOException">The line is given to nobody any more.</exception>
    ValueTask<int> TakeAsync(int most, CancellationToken cancellationToken);

    /// <summary>Gives back what was taken and not relayed.</summary>
    /// <param name="count">How many bytes.</param>
    /// <param name="period"><see cref="Period"/> before they were taken; when another has begun since, they stay counted.</param>
    void GiveBack(int count, int period);
}
