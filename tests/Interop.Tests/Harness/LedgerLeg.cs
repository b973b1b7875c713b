using System.Text.Json;

namespace Overlay.Interop.Tests.Harness;

/// <summary>One leg of a session as <c>overlay ledger list --json</c> tells it: the newest receipt, which says it all.</summary>
internal sealed record LedgerLeg(string SessionId, long Leg, string Role, long Sequence, bool Final, bool Countersigned, long Up, long Down, string State)
{
    internal long Total => Up + Down;

    internal (string SessionId, long Leg) Key => (SessionId, Leg);

    /// <summary>What both sides must tell alike: everything but the role and the state.</summary>
    internal (string SessionId, long Leg, long Sequence, bool Final, long Up, long Down) Agreed => (SessionId, Leg, Sequence, Final, Up, Down);

    internal static async Task<IReadOnlyList<LedgerLeg>> ListAsync(string dataFolder) =>
        [.. (await OverlayCli.SucceedAsync("ledger", "list", "--data", dataFolder)).Select(Parse).OrderBy(leg => leg.SessionId, StringComparer.Ordinal).ThenBy(leg => leg.Leg)];

    internal static LedgerLeg Parse(JsonElement line) => new(
        line.GetProperty("sessionId").GetString()!,
        line.GetProperty("leg").GetInt64(),
        line.GetProperty("role").GetString()!,
        line.GetProperty("seq").GetInt64(),
        line.GetProperty("final").GetBoolean(),
        line.GetProperty("countersigned").GetBoolean(),
        line.GetProperty("up").GetInt64(),
        line.GetProperty("down").GetInt64(),
        line.GetProperty("state").GetString()!);
}
