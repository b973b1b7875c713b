using Microsoft.Extensions.Logging;
using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Diagnostics;

/// <summary>What the exchange of blocks with counterparties writes to the log.</summary>
internal static partial class ExchangeLog
{
    [LoggerMessage(EventId = 2020, Level = LogLevel.Warning, Message = "The peer with key {Peer} has signed two different blocks {Sequence}. The proof is kept; no more sessions with it.")]
    public static partial void ForkFound(ILogger logger, PublicKey peer, ulong sequence);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Information, Message = "The peer with key {Peer} shows block {Shown} as its newest, after block {Known}: it has lost blocks or hides them.")]
    public static partial void PeerIsBehind(ILogger logger, PublicKey peer, ulong? shown, ulong known);

    [LoggerMessage(EventId = 2022, Level = LogLevel.Information, Message = "The chain of the peer with key {Peer} cannot be followed from block {Known}: {Reason}.")]
    public static partial void NotFollowed(ILogger logger, PublicKey peer, ulong known, string reason);

    [LoggerMessage(EventId = 2024, Level = LogLevel.Debug, Message = "Ledgers were compared with {Peer}.")]
    public static partial void Done(ILogger logger, PeerId peer);

    [LoggerMessage(EventId = 2023, Level = LogLevel.Debug, Message = "No blocks were exchanged with {Peer}: {Message}")]
    public static partial void Failed(ILogger logger, PeerId peer, string message);
}
