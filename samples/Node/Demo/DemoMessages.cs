using System.Globalization;
using System.Net;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Demo;

/// <summary>Who takes part.</summary>
internal sealed class DemoCast(IPEndPoint origin, OverlayNode provider, OverlayNode consumer, decimal pricePerGiB) : IMessage
{
    public string Event => "started";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("origin"u8, $"http://{origin}/");
        json.WriteString("provider"u8, provider.Addresses[0].ToString());
        json.WriteString("consumer"u8, consumer.PeerId.ToString());
        json.WriteString("socks"u8, consumer.SocksEndPoint!.ToString());
        json.WriteNumber("pricePerGiB"u8, pricePerGiB);
    }

    public void WriteText(TextPage page)
    {
        page.Heading("Three parties, on this machine, over real sockets:");
        page.Field("web server", $"http://{origin}/");
        page.Field("provider", $"{provider.PeerId}: reaches the web server for others, {Units.Credits(pricePerGiB)} credits a GiB");
        page.Field("consumer", $"{consumer.PeerId}: takes SOCKS5 clients at {consumer.SocksEndPoint}");
        page.Line();
        page.Line("A web client now asks the consumer's SOCKS5 port for the web server's page. The consumer sends it through the provider,");
        page.Line("encrypted, and signs a receipt for every piece that arrives; the provider countersigns, or sends no more.");
        page.Line();
    }
}

/// <summary>What the web client got.</summary>
internal sealed class Download(ulong received, TimeSpan elapsed, byte[] hash, byte[] expectedHash) : IMessage
{
    internal ulong Received => received;

    internal bool IsWhole { get; } = hash.AsSpan().SequenceEqual(expectedHash);

    public string Event => "downloaded";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteNumber("bytes"u8, received);
        json.WriteNumber("seconds"u8, elapsed.TotalSeconds);
        json.WriteNumber("mbps"u8, Units.MegabitsPerSecond(received, elapsed));
        json.WriteString("sha256"u8, Convert.ToHexStringLower(hash));
        json.WriteBoolean("intact"u8, IsWhole);
    }

    public void WriteText(TextPage page)
    {
        page.Line($"Downloaded {Units.Size(received)} in {Units.Seconds(elapsed)}: {Units.Rate(received, elapsed)}.");
        string digest = Convert.ToHexStringLower(hash);
        if (IsWhole) page.Good($"Its SHA-256 is that of what was served: {digest}");
        else page.Bad($"Its SHA-256 is {digest}, not that of what was served: {Convert.ToHexStringLower(expectedHash)}");
        page.Line();
    }
}

/// <summary>Introduces the receipts.</summary>
internal sealed class DemoReceiptsHead(int count) : IMessage
{
    public string Event => "receipts";

    public void WriteJson(Utf8JsonWriter json) => json.WriteNumber("count"u8, count);

    public void WriteText(TextPage page) =>
        page.Heading($"Both nodes have stopped. The provider's disk holds {count} receipts, each with the total so far:");
}

/// <summary>What one party's ledger says, read back from its disk.</summary>
internal sealed class LedgerReport(string party, SideTotal total, LedgerVerdict verdict) : IMessage
{
    internal SideTotal Total => total;

    internal bool IsSound => verdict.IsSound;

    public string Event => "ledger";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("party"u8, party);
        json.WriteNumber("receipts"u8, verdict.ReceiptCount);
        json.WriteNumber("countersigned"u8, verdict.CountersignedCount);
        json.WriteNumber("up"u8, total.Up);
        json.WriteNumber("down"u8, total.Down);
        json.WriteNumber("credits"u8, total.Credits);
        json.WriteBoolean("sound"u8, verdict.IsSound);
        json.WriteString("firstFault"u8, verdict.FirstFault);
    }

    public void WriteText(TextPage page)
    {
        string signed = string.Create(CultureInfo.InvariantCulture, $"{verdict.CountersignedCount} of {verdict.ReceiptCount} receipts signed by both");
        page.Line($"The {party}'s ledger: {Units.Count(total.Up)} B up, {Units.Count(total.Down)} B down, {Units.Credits(total.Credits)} credits; {signed}.");
        if (verdict.FirstFault is { } fault) page.Bad($"It does not hold: {fault}");
    }
}

/// <summary>Whether everybody counted the same.</summary>
internal sealed class DemoVerdict(ulong contentSize, ulong originReceived, ulong originSent, Download download, LedgerReport provider, LedgerReport consumer, DemoClaims claims) : IMessage
{
    private readonly CheckList _checks = new(
        ("the web client got every byte of the content, unchanged", download.IsWhole && download.Received == contentSize),
        ("both ledgers pass the check of every signature, hash and total", provider.IsSound && consumer.IsSound),
        ("both ledgers name the same totals", provider.Total == consumer.Total),
        ("and these are, to the byte, what the web server's sockets sent and received", provider.Total.Down == originSent && provider.Total.Up == originReceived),
        ("a claim of the provider is valid, says the same total, and is refused once a bit of it is changed", claims.AreAsTheyShould && claims.Total == provider.Total.Up + provider.Total.Down));

    internal bool Agrees => _checks.AllHold;

    public string Event => "done";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteBoolean("agreed"u8, Agrees);
        json.WriteNumber("originSent"u8, originSent);
        json.WriteNumber("originReceived"u8, originReceived);
        _checks.WriteJson(json);
    }

    public void WriteText(TextPage page)
    {
        page.Line($"The web server's sockets: {Units.Count(originReceived)} B received, {Units.Count(originSent)} B sent, HTTP headers included.");
        page.Line();
        _checks.WriteText(page);
    }
}
