using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay identify</c>: what a peer says of itself.</summary>
internal static class IdentifyCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("identify", "Ask a peer of any libp2p implementation what it is.");
        var probe = new PeerProbe(command);
        return tree.Complete(command, invocation => probe.RunAsync(invocation, async (host, connection) =>
            invocation.Output.Write(new Answer(await host.IdentifyAsync(connection, invocation.Stop)))), $"overlay identify {PeerProbe.ExampleAddress}");
    }

    private sealed class Answer(PeerInfo info) : IMessage
    {
        public string Event => "identify";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, info.PeerId.ToString());
            json.WriteString("agentVersion"u8, info.AgentVersion);
            json.WriteString("protocolVersion"u8, info.ProtocolVersion);
            json.WriteStartArray("addresses"u8);
            foreach (Multiaddr address in info.ListenAddresses) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
            json.WriteStartArray("protocols"u8);
            foreach (string protocol in info.Protocols) json.WriteStringValue(protocol);
            json.WriteEndArray();
            json.WriteString("observedAddress"u8, info.ObservedAddress?.ToString());
            json.WriteBoolean("signedPeerRecord"u8, !info.SignedPeerRecord.IsEmpty);
        }

        public void WriteText(TextPage page)
        {
            page.Field("PeerId", info.PeerId.ToString());
            page.Field("agent", info.AgentVersion);
            page.Field("protocol", info.ProtocolVersion);
            foreach (Multiaddr address in info.ListenAddresses) page.Field("listens on", address.ToString());
            foreach (string protocol in info.Protocols) page.Field("speaks", protocol);
            page.Field("sees us at", info.ObservedAddress?.ToString() ?? "(does not say)");
            page.Field("addresses", info.SignedPeerRecord.IsEmpty ? "not signed" : "signed by the peer");
        }
    }
}
