using System.Text.Json;
using Overlay.Node.Output;

namespace Overlay.Node.Demo;

/// <summary>What a demo claims at its end, and whether it is so.</summary>
internal sealed class CheckList(params (string Claim, bool Holds)[] checks)
{
    internal bool AllHold => checks.All(check => check.Holds);

    /// <summary>The claims that do not hold, as the member <c>failed</c>.</summary>
    internal void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartArray("failed"u8);
        foreach ((string claim, bool holds) in checks)
            if (!holds) json.WriteStringValue(claim);
        json.WriteEndArray();
    }

    internal void WriteText(TextPage page)
    {
        foreach ((string claim, bool holds) in checks)
        {
            if (holds) page.Good($"  ok      {claim}");
            else page.Bad($"  FAILED  {claim}");
        }
    }
}
