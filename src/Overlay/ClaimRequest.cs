using Overlay.Proofs.Claims;

namespace Overlay;

/// <summary>What a claim is to say. Immutable; change with <c>with</c>.</summary>
public sealed record ClaimRequest
{
    /// <summary>The epoch, in hours since 1970; null for the newest that is not claimed and whose legs are all sealed, three hours on.</summary>
    public ulong? Epoch
    {
        get;
        init => field = value is null or <= uint.MaxValue ? value : throw new ArgumentOutOfRangeException(nameof(Epoch), value, $"Epoch must be 0 to {uint.MaxValue}.");
    }

    /// <summary>A lower bound of what was served; null for none.</summary>
    public ByteSize? AtLeast { get; init; }

    /// <summary>Whether to say exactly how much was served. It is said also when nothing else is asked for.</summary>
    public bool ExactTotal { get; init; }

    /// <summary>Whether to prove that every amount lies in [0, 2⁶⁴).</summary>
    public bool AmountsInRange { get; init; }

    /// <summary>Whether what witnesses have handed to this node about the epoch is put in. True: it says where the exit stands and who the witnesses are,
    /// and may be left out.</summary>
    public bool HeldAttestations { get; init; } = true;

    /// <summary>What witnesses saw in the epoch, at most 64, beside those that are held.</summary>
    public IReadOnlyList<Attestation> Attestations { get; init => field = value ?? throw new ArgumentNullException(nameof(Attestations)); } = [];
}
