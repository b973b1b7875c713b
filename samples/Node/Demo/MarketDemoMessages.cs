using System.Globalization;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Demo;

/// <summary>Who takes part in the market.</summary>
internal sealed class MarketCast(IReadOnlyDictionary<string, OverlayNode> nodes, IReadOnlyList<(string Name, string Region, decimal Price)> sellers, decimal maxPrice) : IMessage
{
    public string Event => "started";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartArray("providers"u8);
        foreach ((string name, string region, decimal price) in sellers)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, name);
            json.WriteString("peerId"u8, nodes[name].PeerId.ToString());
            json.WriteString("region"u8, region);
            json.WriteNumber("pricePerGiB"u8, price);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("cheat"u8, nodes["Mallory"].PeerId.ToString());
        json.WriteString("consumer"u8, nodes["consumer"].PeerId.ToString());
        json.WriteString("socks"u8, nodes["consumer"].SocksEndPoint!.ToString());
    }

    public void WriteText(TextPage page)
    {
        page.Heading("Six nodes, on this machine, over real sockets, who know nobody but a way in:");
        foreach ((string name, string region, decimal price) in sellers) page.Field(name, $"{nodes[name].PeerId}: an exit in {region}, {Units.Credits(price)} credits a GiB");
        page.Field("Mallory", $"{nodes["Mallory"].PeerId}: says that she is an exit in DE, and shows Berlin's offer as hers");
        page.Field("consumer", $"{nodes["consumer"].PeerId}: wants an exit in DE for at most {Units.Credits(maxPrice)} a GiB");
        page.Line();
        page.Line("A web client downloads through the consumer's SOCKS5 port, again and again.");
    }
}

/// <summary>One thing that happened.</summary>
internal sealed class MarketStep(string what, bool asItShould, string outcome) : IMessage
{
    public string Event => "step";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("what"u8, what);
        json.WriteBoolean("asItShould"u8, asItShould);
    }

    public void WriteText(TextPage page)
    {
        if (asItShould) page.Good($"{what}: {outcome}.");
        else page.Bad($"{what}: this did not go as it should.");
    }
}

/// <summary>One of the consumer's sessions.</summary>
internal sealed class MarketSession(string provider, string region, SessionRecord session, SideTotal paid) : IRow
{
    internal static IReadOnlyList<Column> Columns { get; } = [new("provider"), new("region"), new("credits a GiB", true), new("paid for", true), new("credits", true), new("session")];

    internal string Provider => provider;

    public string Event => "session";

    public IReadOnlyList<string> Cells =>
    [
        provider, region, Units.Credits(session.PricePerGiB / 1_000_000m), Units.Size(paid.Up + paid.Down), Units.Credits(paid.Credits), session.State.ToString().ToLower(CultureInfo.InvariantCulture),
    ];

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("provider"u8, provider);
        json.WriteString("region"u8, region);
        json.WriteNumber("pricePerGiB"u8, session.PricePerGiB / 1_000_000m);
        json.WriteNumber("bytes"u8, paid.Up + paid.Down);
        json.WriteNumber("credits"u8, paid.Credits);
        json.WriteString("state"u8, session.State.ToString().ToLower(CultureInfo.InvariantCulture));
    }
}

/// <summary>Whether the market did what it should.</summary>
internal sealed class MarketVerdict(IReadOnlyList<MarketSession> sessions, bool stepsWentWell) : IMessage
{
    private readonly CheckList _checks = new(
        ("every step went as it should", stepsWentWell),
        ("the cheapest in Germany was taken first, and the next one when it had died", sessions.Select(session => session.Provider).Where(name => name is "Frankfurt" or "Berlin").Distinct().SequenceEqual(["Frankfurt", "Berlin"])),
        ("France served what France was asked for", sessions.Any(session => session.Provider == "Paris")),
        ("nobody paid Mallory, whose offer bore another's name", sessions.All(session => session.Provider != "Mallory")),
        ("nobody paid Tokyo, where nobody wanted to go", sessions.All(session => session.Provider != "Tokyo")));

    internal IReadOnlyList<MarketSession> Sessions => sessions;

    internal bool Holds => _checks.AllHold;

    public string Event => "done";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteBoolean("holds"u8, Holds);
        json.WriteNumber("sessions"u8, sessions.Count);
        _checks.WriteJson(json);
    }

    public void WriteText(TextPage page)
    {
        page.Line();
        _checks.WriteText(page);
    }
}
