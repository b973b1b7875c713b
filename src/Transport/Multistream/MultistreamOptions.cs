namespace Overlay.Transport.Multistream;

/// <summary>Limits of multistream-select.</summary>
public sealed record MultistreamOptions
{
    /// <summary>Most lines after the header that a peer may send in one negotiation, <c>ls</c> included. 32.</summary>
    public int MaxProposalCount
    {
        get;
        init => field = value is >= 1 and <= 1024 ? value : throw new ArgumentOutOfRangeException(nameof(MaxProposalCount), value, "1 to 1024.");
    } = 32;
}
