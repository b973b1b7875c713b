using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>Which scope had no room, for what, and which option says so. Words are made only when somebody reads them: a flood is refused without any.</summary>
internal readonly record struct ResourceRefusal(ResourceScopeKind Scope, ResourceKind Resource, double Limit, string LimitOption, string? Protocol = null)
{
    /// <summary>The prefix, where it is a prefix's scope, and what can print it.</summary>
    internal (AddressPrefixes Addresses, PrefixKey Key)? Prefix { get; init; }

    /// <summary>The option within <see cref="TransportOptions"/> that set the limit.</summary>
    internal string Option => (Scope, Resource) switch
    {
        (ResourceScopeKind.Prefix, ResourceKind.InboundRate) => $"Resources.PrefixRules, {LimitOption}",
        (ResourceScopeKind.Prefix, _) => $"Resources.PrefixRules, {nameof(PrefixRule.Limits)}.{LimitOption}",
        _ => $"Resources.{Scope}.{LimitOption}",
    };

    internal ConnectionException ToException(ConnectionStep step, PeerId? peer) =>
        new(ConnectionError.LimitExceeded, step, Fault.Local, ToString()) { Peer = peer, Limit = Option };

    public override string ToString()
    {
        string whose = Scope switch
        {
            ResourceScopeKind.Node => "This node has",
            ResourceScopeKind.Transient => "What is not negotiated yet has",
            ResourceScopeKind.TransientPeer => "What the peer has not negotiated yet has",
            ResourceScopeKind.Peer => "The peer has",
            ResourceScopeKind.Prefix => $"The address prefix {Prefix?.Addresses.Print(Prefix.Value.Key)} has",
            ResourceScopeKind.Protocol => $"The protocol {Protocol} has",
            ResourceScopeKind.ProtocolPeer => $"The protocol {Protocol} has with this peer",
            _ => "The connection has",
        };
        string what = Resource switch
        {
            ResourceKind.Memory => "bytes of memory",
            ResourceKind.Connections => "connections",
            ResourceKind.InboundConnections => "inbound connections",
            ResourceKind.OutboundConnections => "outbound connections",
            ResourceKind.Streams => "streams",
            ResourceKind.InboundStreams => "inbound streams",
            ResourceKind.OutboundStreams => "outbound streams",
            ResourceKind.Descriptors => "sockets",
            _ => "new inbound connections a second",
        };
        return string.Create(null, $"{whose} its {Limit:0.###} {what} ({Option}).");
    }
}
