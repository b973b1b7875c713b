using System.Globalization;
using System.Text.Json;
using Overlay.Discovery;
using Overlay.Transport.Connections;

namespace Overlay.Node.Output;

/// <summary>A peer as commands tell it: a row of a table, or what has just happened to it.</summary>
internal sealed class PeerLine(NetworkPeer peer, TimeProvider time, PeerChangeKind? change = null) : IMessage, IRow
{
    internal static IReadOnlyList<Column> Columns { get; } =
        [new("peer"), new("found by"), new("connected", true), new("dialled by"), new("latency", true), new("address"), new("software")];

    public string Event => "peer";

    public IReadOnlyList<string> Cells =>
    [
        peer.PeerId.ToString(),
        NameOf(peer.Source),
        peer.ConnectedSince is { } since ? Duration(time.GetUtcNow() - since) : "seen only",
        peer.Direction switch { Direction.Inbound => "the peer", Direction.Outbound => "this node", _ => "" },
        peer.Latency is { } latency ? Units.Milliseconds(latency) : "",
        peer.Address?.ToString() ?? "",
        peer.AgentVersion,
    ];

    public void WriteJson(Utf8JsonWriter json)
    {
        if (change is { } kind) json.WriteString("change"u8, NameOf(kind));
        json.WriteString("peerId"u8, peer.PeerId.ToString());
        json.WriteString("found"u8, NameOf(peer.Source));
        json.WriteString("since"u8, peer.ConnectedSince?.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("direction"u8, peer.Direction switch { Direction.Inbound => "inbound", Direction.Outbound => "outbound", _ => null });
        json.WriteString("address"u8, peer.Address?.ToString());
        if (peer.Latency is { } latency) json.WriteNumber("milliseconds"u8, Math.Round(latency.TotalMilliseconds, 3));
        else json.WriteNull("milliseconds"u8);
        json.WriteString("agentVersion"u8, peer.AgentVersion);
    }

    public void WriteText(TextPage page) => page.Line(
        $"{Units.Time((ulong)time.GetUtcNow().ToUnixTimeSeconds())}  peer {peer.PeerId} {(change is { } kind ? NameOf(kind) : "")} "
        + $"({NameOf(peer.Source)}{(peer.Address is { } at ? $", {at}" : "")})");

    private static string NameOf(PeerSource source) => source switch
    {
        PeerSource.Inbound => "inbound",
        PeerSource.Dialled => "dialled",
        PeerSource.Mdns => "mdns",
        PeerSource.Bootstrap => "bootstrap",
        PeerSource.Persistent => "persistent",
        PeerSource.AddressBook => "book",
        PeerSource.Network => "network",
        _ => "unknown",
    };

    private static string NameOf(PeerChangeKind kind) => kind switch
    {
        PeerChangeKind.Found => "found",
        PeerChangeKind.Connected => "connected",
        PeerChangeKind.Disconnected => "disconnected",
        PeerChangeKind.Lost => "lost",
        _ => "unknown",
    };

    private static string Duration(TimeSpan time) => time.TotalDays >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h")
        : time.TotalHours >= 1 ? $"{time.Hours} h {time.Minutes} min" : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s" : $"{time.Seconds} s";
}
