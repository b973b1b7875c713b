using System.Text.Json;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;

namespace Overlay.Node.Output;

/// <summary>What was found about a claim.</summary>
internal sealed class ClaimVerdictMessage(ClaimVerdict verdict) : IMessage
{
    public string Event => "verdict";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteBoolean("valid"u8, verdict.IsValid);
        json.WriteString("reason"u8, verdict.Fault);
        if (verdict.Claim is not { } claim) return;
        json.WriteString("id"u8, claim.Id.ToString());
        json.WriteString("provider"u8, Names.Peer(claim.Provider));
        json.WriteNumber("epoch"u8, claim.Epoch);
        json.WriteNumber("receipts"u8, claim.Receipts.Count);
        json.WriteNumber("consumers"u8, claim.ConsumerCount);
        foreach (ClaimStatement statement in claim.Statements)
        {
            switch (statement.Kind)
            {
                case ClaimStatementKind.ExactTotal:
                    json.WriteNumber("total"u8, statement.Value);
                    break;
                case ClaimStatementKind.MinimumTotal:
                    json.WriteNumber("atLeast"u8, statement.Value);
                    break;
                default:
                    json.WriteBoolean("ranges"u8, true);
                    break;
            }
        }

        json.WriteNumber("attestations"u8, claim.Attestations.Count);
        // Of a claim that is not valid nobody has checked who signed them.
        if (!verdict.IsValid || AttestedFigures.Of(claim.Attestations) is not { } attested) return;
        json.WriteNumber("witnesses"u8, attested.WitnessCount);
        json.WriteNumber("reached"u8, claim.Attestations.Count(attestation => attestation.Body.Reachable));
        if (attested.RoundTrip is { } roundTrip) json.WriteNumber("medianMilliseconds"u8, roundTrip.TotalMilliseconds);
        if (attested.RateDown is { } down) json.WriteNumber("medianMbpsDown"u8, down.Megabits);
        if (attested.RateUp is { } up) json.WriteNumber("medianMbpsUp"u8, up.Megabits);
    }

    // What is wrong follows as the reason on standard error.
    public void WriteText(TextPage page)
    {
        if (verdict.IsValid) page.Good("The claim is valid.");
        else page.Bad("The claim is not valid.");
        if (verdict.Claim is not { } claim) return;
        page.Field("id", claim.Id.ToString());
        page.Field("provider", Names.Peer(claim.Provider));
        page.Field("epoch", Units.Time(claim.Epoch * 3600));
        page.Field("signed by", $"{Units.Count(claim.ConsumerCount, "consumer key")}, {Units.Count(claim.Receipts.Count, "receipt")}");
        foreach (ClaimStatement statement in claim.Statements) page.Field("claims", Names.Of(statement));
        if (verdict.IsValid && AttestedFigures.Of(claim.Attestations) is { } attested) page.Field("attested", Describe(claim, attested));
        if (verdict.IsValid) page.Line("That the bytes were useful, or that the keys are as many people, it does not prove.");
    }

    private static string Describe(Claim claim, AttestedFigures attested)
    {
        int count = claim.Attestations.Count(attestation => attestation.Body.Reachable);
        string reached = $"{Units.Count(attested.WitnessCount, "witness key")}, reached by {Units.Count((ulong)count)}";
        return attested is { RoundTrip: { } roundTrip, RateDown: { } down, RateUp: { } up }
            ? $"{reached}; medians {Units.Milliseconds(roundTrip)}, {down} down, {up} up"
            : reached;
    }
}
