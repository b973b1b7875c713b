namespace Overlay.Transport.Multistream;

/// <summary>How much a peer may ask of one negotiation.</summary>
internal sealed record MultistreamLimits
{
    /// <summary>Most lines after the header that a listener answers, at least 1. 32: a dialler knows what it wants, and each miss costs it a round trip.</summary>
    internal int MaxProposalCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 32;
}
