using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sessions.Metering;

namespace Overlay.Sharing;

/// <summary>A consumer that is being served, at one moment.</summary>
public sealed record ServedSession
{
    /// <summary>The session's id.</summary>
    public required Digest Id { get; init; }

    /// <summary>The consumer's key, which signs its receipts.</summary>
    public required PublicKey Consumer { get; init; }

    /// <summary>Payload bytes sent to the consumer.</summary>
    public required ByteSize Down { get; init; }

    /// <summary>Payload bytes received from the consumer.</summary>
    public required ByteSize Up { get; init; }

    /// <summary>Of these, bytes for which no receipt has been taken yet: what would be lost if the consumer left now. Never more than the credit window.</summary>
    public required ByteSize Unpaid { get; init; }

    /// <summary>The session's price, in credits for a GiB.</summary>
    public required decimal PricePerGiB { get; init; }

    /// <summary>When the session was opened, to a second.</summary>
    public required DateTimeOffset OpenedAt { get; init; }

    internal static ServedSession Of(ProviderSession session)
    {
        ByteCount count = session.Count();
        return new ServedSession
        {
            Id = session.Id,
            Consumer = session.Consumer,
            Down = new((ulong)count.Down),
            Up = new((ulong)count.Up),
            Unpaid = new((ulong)session.Unpaid),
            PricePerGiB = Price.ToCredits(session.PricePerGiB),
            OpenedAt = session.OpenedAt,
        };
    }
}
