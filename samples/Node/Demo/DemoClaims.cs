using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Proofs.Claims;

namespace Overlay.Node.Demo;

/// <summary>What came of the provider's claims, and of the same with one bit changed.</summary>
internal sealed class DemoClaims : IMessage
{
    private ClaimVerdict? _last, _lastTampered;

    /// <summary>Whether there is a claim, every one is valid, and none with a changed bit.</summary>
    internal bool AreAsTheyShould { get; private set; }

    /// <summary>All exact totals together.</summary>
    internal ulong Total { get; private set; }

    public string Event => "claim";

    internal void Add(ClaimVerdict claim, ClaimVerdict tampered)
    {
        AreAsTheyShould = (_last is null || AreAsTheyShould) && claim.IsValid && !tampered.IsValid;
        foreach (ClaimStatement statement in claim.Claim?.Statements ?? [])
            if (statement.Kind == ClaimStatementKind.ExactTotal) Total += statement.Value;
        (_last, _lastTampered) = (claim, tampered);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        new ClaimVerdictMessage(_last!).WriteJson(json);
        json.WriteString("tamperedReason"u8, _lastTampered!.Fault);
    }

    public void WriteText(TextPage page)
    {
        page.Line();
        page.Heading("A claim of what the provider served, for anybody to check offline");
        new ClaimVerdictMessage(_last!).WriteText(page);
        page.Line($"The same claim with one bit changed is {_lastTampered}.");
        page.Line();
    }
}
