using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;

namespace Overlay.Claiming;

/// <summary>Makes claims out of a ledger, each epoch once.</summary>
/// <param name="store">The ledger.</param>
/// <param name="provider">Signs.</param>
/// <param name="claimed">Which epochs are claimed.</param>
/// <param name="time">The clock.</param>
/// <param name="held">What witnesses have handed over about an epoch; null for nothing.</param>
internal sealed class ClaimDesk(ILedgerStore store, ISigner provider, IClaimedEpochs claimed, TimeProvider time, Func<ulong,
    IEnumerable<Attestation>>? held = null)
{
    // A leg belongs to the epoch in which it began, goes on for up to an hour, and waits up to another to be sealed.
    private const int EpochsUntilSealed = 3;

    /// <summary>All epochs that are claimed.</summary>
    internal IReadOnlyCollection<ulong> Epochs => claimed.Read();

    /// <summary>Makes a claim, checks it as anybody would, and keeps it.</summary>
    /// <exception cref="OverlayException">There is nothing to claim, what is wished is not true or was claimed before, or the claim cannot be kept.</exception>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    internal async Task<Claim> CreateAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        ulong epoch = await ChooseAsync(request.Epoch, cancellationToken).ConfigureAwait(false);
        ClaimMaterial material = await ClaimSource.CollectAsync(store, epoch, cancellationToken).ConfigureAwait(false);
        if (material.Legs.Count == 0) throw Refuse($"there is nothing sealed to claim for epoch {epoch}");

        var statements = new List<ClaimStatement>();
        if (request.AtLeast is { } least) statements.Add(ClaimStatement.AtLeast(least.Bytes));
        if (request.AmountsInRange) statements.Add(ClaimStatement.AmountsInRange);
        if (request.ExactTotal || statements.Count == 0) statements.Add(ClaimStatement.ExactTotal(Sum(material.Legs)));
        Claim claim;
        try
        {
            IEnumerable<Attestation> attestations = request.HeldAttestations && held is not null ? request.Attestations.Concat(held(epoch))
                : request.Attestations;
            claim = ClaimBuilder.Create(epoch, material.Blocks, material.Legs, statements,
                [.. attestations.DistinctBy(attestation => attestation.Body.Witness)], provider);
        }
        catch (ArgumentException e)
        {
            throw Refuse(e.Message, e);
        }

        byte[] encoded = claim.Encode();
        ClaimVerdict verdict = ClaimVerifier.Verify(encoded);
        if (!verdict.IsValid) throw Refuse($"the ledger does not make a claim: {verdict.Fault}");
        try
        {
            // Before anything is shown: a claim that is out and forgotten would let a second one give away single amounts.
            claimed.Keep(epoch, encoded);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse($"the claim could not be kept, so nobody may see it: {e.Message}", e);
        }

        return claim;
    }

    private async Task<ulong> ChooseAsync(ulong? wanted, CancellationToken cancellationToken)
    {
        IReadOnlyCollection<ulong> taken = claimed.Read();
        if (wanted is { } epoch) return ClaimRules.ObjectToEpoch([.. taken], epoch) is { } objection ? throw Refuse($"{objection}; an epoch can be claimed once") : epoch;
        ulong[] free = [.. (await ClaimSource.FindEpochsAsync(store, cancellationToken).ConfigureAwait(false)).Except(taken)];
        if (free.Length == 0) throw Refuse("there is nothing sealed that is not claimed already");
        ulong now = (ulong)Math.Max(0, time.GetUtcNow().ToUnixTimeSeconds() / 3600);
        ulong[] whole = [.. free.Where(candidate => candidate + EpochsUntilSealed <= now)];
        return whole.Length != 0
            ? whole[^1]
            : throw Refuse($"epoch {free[^1]} may still grow, and can be claimed only once: wait until {EpochsUntilSealed} hours are over, or name it");
    }

    private static ulong Sum(IReadOnlyList<ClaimLeg> legs)
    {
        ulong sum = 0;
        foreach (ClaimLeg leg in legs) sum = checked(sum + leg.Amount);
        return sum;
    }

    private static OverlayException Refuse(string reason, Exception? cause = null) => new(OverlayError.NothingToClaim, reason, cause);
}
