using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Discovery;
using Overlay.Discovery.Reachability;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What finding other peers writes to the log.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(EventId = 5000, Level = LogLevel.Warning, Message = "Peers of the local network cannot be looked for over {Family}: {Message}")]
    public static partial void MulticastUnavailable(ILogger logger, AddressFamily family, string message);

    [LoggerMessage(EventId = 5001, Level = LogLevel.Debug, Message = "Multicast DNS cannot be heard on {Link} over {Family}: {Message}")]
    public static partial void JoinFailed(ILogger logger, string link, AddressFamily family, string message);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Debug, Message = "{Count} peers are seen on the local network.")]
    public static partial void Heard(ILogger logger, int count);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Information, Message = "Connected with {Peer} ({Source}).")]
    public static partial void Found(ILogger logger, PeerId peer, PeerSource source);

    [LoggerMessage(EventId = 5004, Level = LogLevel.Debug, Message = "{Peer} ({Source}) could not be reached and is left alone for {Pause}: {Message}")]
    public static partial void NotReached(ILogger logger, PeerId peer, PeerSource source, TimeSpan pause, string message);

    [LoggerMessage(EventId = 5005, Level = LogLevel.Warning, Message = "The way into the network {Address} leads nowhere: no name server knows a peer there.")]
    public static partial void BootstrapEmpty(ILogger logger, Multiaddr address);

    [LoggerMessage(EventId = 5006, Level = LogLevel.Warning, Message = "What the node knows of its peers is not kept: {Message}")]
    public static partial void BookNotKept(ILogger logger, string message);

    [LoggerMessage(EventId = 5007, Level = LogLevel.Warning, Message = "{Count} rows of the address book were damaged and are left out.")]
    public static partial void BookDamaged(ILogger logger, int count);

    [LoggerMessage(EventId = 5008, Level = LogLevel.Information,
        Message = "Others reach this node: {Verdict}; {Confirmed} of {Candidates} addresses are confirmed.")]
    public static partial void ReachabilityChanged(ILogger logger, ReachabilityVerdict verdict, int confirmed, int candidates);

    [LoggerMessage(EventId = 5009, Level = LogLevel.Debug, Message = "{Peer} did not say how this node is reached: {Message}")]
    public static partial void QuestionFailed(ILogger logger, PeerId peer, string message);
}
