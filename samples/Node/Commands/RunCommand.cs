using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Overlay.Discovery;
using Overlay.Node.Configuration;
using Overlay.Node.Dashboard;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay run</c>: a node until Ctrl-C or SIGTERM.</summary>
internal static class RunCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("run", "Run a node until Ctrl-C or SIGTERM; it then closes its sessions with last receipts.");
        var options = new SettingOptions(command, [.. Settings.All]);
        return tree.Complete(
            command,
            invocation =>
            {
                SettingValues settings = invocation.Read(options);
                OverlayOptions told = RunOptions.From(settings);
                DashboardOptions? dashboard = RunOptions.Dashboard(settings);
                RunOptions.KeepLimits(settings);
                return RunAsync(invocation, told, dashboard);
            },
            "overlay run --share --region DE --price 0.05 --dashboard 127.0.0.1:8080",
            "overlay run --share --region DE --price 0.05",
            "overlay run --want DE --max-price 0.10 --socks 127.0.0.1:1080",
            $"overlay run --socks 127.0.0.1:1080 --provider {PeerProbe.ExampleAddress}",
            "overlay run",
            "overlay run --config node.json --json");
    }

    private static async Task<int> RunAsync(Invocation invocation, OverlayOptions options, DashboardOptions? dashboard)
    {
        foreach (string warning in RunOptions.Warnings(options)) invocation.Warn(warning);
        if (options.Sharing is { } sharing)
        {
            SharingConsent consent = await ConsentPrompt.RequireAsync(invocation, options.DataDirectory!, sharing);
            options = options with { Sharing = sharing with { Consent = consent } };
        }

        if (dashboard is not null && !IPAddress.IsLoopback(dashboard.EndPoint.Address))
            invocation.Warn($"{Settings.Dashboard.Flag} {dashboard.EndPoint} is not on loopback: it is plain HTTP, and whoever can listen on the way can take its token");
        long started = Stopwatch.GetTimestamp();
        OverlayNode node;
        try
        {
            node = await OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
        }
        catch (OperationCanceledException) when (invocation.Stop.IsCancellationRequested)
        {
            return ExitCode.Done;
        }

        var totals = new ReceiptTotals();
        Task telling, tellingPeers, tellingConsent;
        await using (node)
        {
            // Before anything is announced, so that no receipt is missed.
            telling = TellReceiptsAsync(node.Ledger.Store.WatchAsync(CancellationToken.None), totals, invocation);
            await using var seen = new OverlayDashboardNode(node, options.Sharing, TimeProvider.System);
            await using DashboardServer? page =
                dashboard is null ? null : await DashboardServer.StartAsync(dashboard, seen, TimeProvider.System, invocation.Logging, invocation.Stop);
            invocation.Output.Write(new Ready(node, options, page?.Address));
            tellingPeers = TellPeersAsync(node.Discovery, invocation.Output);
            tellingConsent = TellConsentAsync(node.Sharing, invocation.Output, invocation.Stop);
            Task showing = ShowStatusAsync(node, totals, invocation);
            // The receipts' stream ends with the ledger, that is after the last receipts; sooner only when they cannot be told.
            await Task.WhenAny(telling, Task.Delay(Timeout.Infinite, invocation.Stop));
            await showing;
        }

        await Task.WhenAll(telling, tellingPeers, tellingConsent);
        invocation.Output.Write(new Stopped(totals, Stopwatch.GetElapsedTime(started)));
        return ExitCode.Done;
    }

    private static Task ShowStatusAsync(OverlayNode node, ReceiptTotals totals, Invocation invocation)
    {
        var status = new RunStatus(totals, node.Sharing is not null, (node.SocksEndPoint ?? node.HttpProxyEndPoint) is not null, TimeProvider.System);
        return invocation.Output.ShowStatusAsync(
            status.Columns, () => status.Look(node.Discovery.Peers.Count(peer => peer.ConnectedSince is not null), node.Sharing?.Sessions ?? []), invocation.Stop);
    }

    // To people, and to their system's log, only the last receipt of each leg: there are several a second where much is served.
    private static async Task TellReceiptsAsync(IAsyncEnumerable<ReceiptEntry> receipts, ReceiptTotals totals, Invocation invocation)
    {
        bool tellsAll = invocation.IsVerbose || invocation.IsJson;
        await foreach (ReceiptEntry entry in receipts)
        {
            totals.Add(entry);
            if (tellsAll || entry.Receipt.Body.Final) invocation.Output.Write(new ReceiptLine(entry));
        }
    }

    private static async Task TellPeersAsync(OverlayDiscovery finder, IOutput output)
    {
        await foreach (PeerChange change in finder.WatchPeersAsync()) output.Write(new PeerLine(change.Peer, TimeProvider.System, change.Kind));
    }

    private static async Task TellConsentAsync(OverlaySharing? sharing, IOutput output, CancellationToken stop)
    {
        if (sharing is null) return;
        await Task.WhenAny(sharing.Ended, Task.Delay(Timeout.Infinite, stop));
        if (sharing.Ended.IsCompleted) output.Write(new ConsentMessage("consent", sharing.Consent));
    }

    private sealed class Ready(OverlayNode node, OverlayOptions options, Uri? dashboard) : IMessage
    {
        public string Event => "ready";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, node.PeerId.ToString());
            json.WriteStartArray("addresses"u8);
            foreach (Multiaddr address in node.Addresses) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
            json.WriteString("socks"u8, node.SocksEndPoint?.ToString());
            json.WriteString("httpProxy"u8, node.HttpProxyEndPoint?.ToString());
            json.WriteString("dashboard"u8, dashboard?.AbsoluteUri);
        }

        public void WriteText(TextPage page)
        {
            page.Heading($"Node {node.PeerId} is ready.");
            foreach (Multiaddr address in node.Addresses) page.Field("peers", address.ToString());
            if (options.Sharing is { } sharing)
                page.Field("shares", $"region {sharing.Region}, {Units.Credits(sharing.PricePerGiB)} credits a GiB, ports {string.Join(", ", sharing.AllowedPorts)}");
            if (node.Sharing is { Consent: var consent })
                page.Field("consent", $"{ConsentMessage.Time(consent.GivenAt)} by {consent.GivenBy}    overlay consent withdraw");
            if ((node.SocksEndPoint ?? node.HttpProxyEndPoint) is not null && options.Providers.Count == 0)
                page.Field("wants", $"{(options.Wish.Region == Region.Anywhere ? "an exit anywhere" : $"an exit in {options.Wish.Region}")}{(options.Wish.MaxPricePerGiB is { } max ? $", at most {Units.Credits(max)} credits a GiB" : "")}");
            if (node.SocksEndPoint is { } socks) page.Field("SOCKS5", $"{socks}    curl --proxy socks5h://{socks} https://example.org/");
            if (node.HttpProxyEndPoint is { } http) page.Field("HTTP proxy", $"{http}    curl --proxy http://{http} https://example.org/");
            if (dashboard is not null) page.Field("dashboard", dashboard.AbsoluteUri);
            if (options.Market.Witness is { } witness) page.Field("witness", $"with the target {witness.Target}");
            page.Field("data", options.DataDirectory!);
            page.Line("Ctrl-C stops it and settles what is open.");
        }
    }

    private sealed class Stopped(ReceiptTotals totals, TimeSpan elapsed) : IMessage
    {
        public string Event => "stopped";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteNumber("seconds"u8, Math.Round(elapsed.TotalSeconds, 3));
            json.WriteNumber("receipts"u8, totals.Receipts);
            WriteSide(json, "provided"u8, totals.Of(LedgerRole.Provider));
            WriteSide(json, "consumed"u8, totals.Of(LedgerRole.Consumer));
        }

        public void WriteText(TextPage page)
        {
            page.Heading($"Stopped after {Units.Seconds(elapsed)}, {totals.Receipts} receipts.");
            foreach ((string name, LedgerRole role) in new[] { ("sold", LedgerRole.Provider), ("bought", LedgerRole.Consumer) })
            {
                SideTotal side = totals.Of(role);
                if (side.Up + side.Down > 0) page.Field(name, $"{Units.Size(side.Up)} up, {Units.Size(side.Down)} down, {Units.Credits(side.Credits)} credits");
            }
        }

        private static void WriteSide(Utf8JsonWriter json, ReadOnlySpan<byte> name, SideTotal side)
        {
            json.WriteStartObject(name);
            json.WriteNumber("up"u8, side.Up);
            json.WriteNumber("down"u8, side.Down);
            json.WriteNumber("credits"u8, side.Credits);
            json.WriteEndObject();
        }
    }
}
