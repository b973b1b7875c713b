using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Market.Demanding;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Takes attestations about this node from those who have made them, where it gives service, and keeps three of each epoch, the announced before
/// others and then the nearest, also in the data folder; shows them, and what this node has made of others, to whoever asks. No peer hands over or asks for
/// many.</summary>
internal sealed class AttestationDesk
{
    // A witness whose roster differs by a few is one all the same.
    internal const int MaxRank = 20;

    private static readonly TimeSpan s_readTime = TimeSpan.FromSeconds(10);

    private readonly PublicKey _self;
    private readonly AttestationBook _book;
    private readonly WitnessRoster _roster;
    private readonly Func<ulong, CancellationToken, ValueTask<Digest>> _ownBlock;
    private readonly bool _gives;
    private readonly string? _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RateTable<PeerId> _pushes;
    private readonly Lock _lock = new(); // guards the rates, and the file

    /// <param name="self">This node's key.</param>
    /// <param name="book">What is kept.</param>
    /// <param name="roster">Who takes part.</param>
    /// <param name="ownBlock">The hash of the newest own block from before an epoch.</param>
    /// <param name="gives">Whether this node gives service: nobody else is attested.</param>
    /// <param name="folder">The data folder; null to keep them in memory.</param>
    /// <param name="limits">How many are taken of one peer.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told.</param>
    internal AttestationDesk(
        PublicKey self, AttestationBook book, WitnessRoster roster, Func<ulong, CancellationToken, ValueTask<Digest>> ownBlock, bool gives,
        string? folder, MarketLimits limits, TimeProvider time, ILogger logger)
    {
        _self = self;
        _book = book;
        _roster = roster;
        _ownBlock = ownBlock;
        _gives = gives;
        _folder = folder;
        _time = time;
        _logger = logger;
        _pushes = new RateTable<PeerId>(limits.MaxCounted, limits.AttestationBurst, limits.AttestationsPerMinute / 60.0);
    }

    /// <summary>What is kept about this node, from an epoch on.</summary>
    internal IReadOnlyList<Attestation> Find(ulong first) => _book.Find(first, WitnessDuty.EpochOf(_time.GetUtcNow()));

    /// <summary>Takes back what was kept before the node was stopped.</summary>
    internal async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        if (_folder is null) return;
        ulong now = WitnessDuty.EpochOf(_time.GetUtcNow());
        foreach (Attestation attestation in AttestationFile.Read(_folder, _self))
        {
            Digest block = await _ownBlock(attestation.Body.Epoch, cancellationToken).ConfigureAwait(false);
            // Who is announced is not known before the node has found others.
            _book.Keep(attestation, WitnessDuty.PlaceOf(attestation.Body.Epoch, _self, block), [], now);
        }
    }

    /// <summary>Serves one stream.</summary>
    internal async Task HandleAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        try
        {
            byte[]? bytes = await SessionLink.WithinAsync(s_readTime, _time, token => stream.Input.ReadMessageAsync(AttestationRequest.MaxSize, token),
                cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                // Before any signature is looked at.
                if (!_pushes.TryTake(stream.Connection.RemotePeer, _time.GetUtcNow()))
                    throw new SessionException(SessionError.Capacity, "It hands over or asks for too many.");
            }

            switch (bytes is null ? null : AttestationRequest.Decode(bytes))
            {
                case AttestationRequest.Push push:
                    await TakeAsync(stream.Connection, push.Attestation, cancellationToken).ConfigureAwait(false);
                    break;
                case AttestationRequest.Ask ask:
                    IReadOnlyList<Attestation> held = ask.Provider == _self ? Find(ask.FirstEpoch) : _book.FindMade(ask.Provider, ask.FirstEpoch);
                    await stream.Output.WriteMessageAsync(AttestationAnswer.Encode(held), cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    throw new SessionException(SessionError.Malformed, "It neither hands over an attestation nor asks for some.");
            }

            await stream.SendLastAsync(null, s_readTime, _time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or Overlay.Proofs.Ledger.LedgerException)
        {
            WitnessLog.Refused(_logger, stream.Connection.RemotePeer, e.Message);
            stream.Abort(e.Message);
        }
    }

    private async ValueTask TakeAsync(PeerConnection connection, Attestation attestation, CancellationToken cancellationToken)
    {
        AttestationBody body = attestation.Body;
        ulong now = WitnessDuty.EpochOf(_time.GetUtcNow());
        if (!_gives) throw Refuse("this node gives no service");
        if (body.Provider != _self) throw Refuse("it is about another provider");
        if (body.Witness == _self || SessionLink.ProvedKey(connection) != body.Witness) throw Refuse("its witness is not the peer that hands it over");
        // One that was made in the last minutes of an epoch comes in the next.
        if (body.Epoch > now || now - body.Epoch > 1) throw Refuse($"it is of epoch {body.Epoch}, and this is {now}");
        if (body.ObservedAt / WitnessDuty.SecondsPerEpoch != body.Epoch) throw Refuse("it was not seen in its epoch");
        if (body.ExitAddressPrefix.Length > 0 && !WitnessDuty.TryReadPrefix(body.ExitAddressPrefix, out _)) throw Refuse("its prefix is none");
        Discovery.Kademlia.Key place = WitnessDuty.PlaceOf(body.Epoch, _self, await _ownBlock(body.Epoch, cancellationToken).ConfigureAwait(false));
        IReadOnlyList<PeerId> roster = await _roster.GetAsync(cancellationToken).ConfigureAwait(false);
        if (WitnessDuty.RankOf(connection.RemotePeer, roster, WitnessDuty.PeerOf(_self), place) >= MaxRank)
            throw Refuse($"{MaxRank} known witnesses are nearer");
        if (!_book.Keep(attestation, place, roster, now)) throw Refuse("announced or nearer witnesses have attested, or newer word of its own is there");
        WitnessLog.Taken(_logger, connection.RemotePeer, body.Epoch, body.Reachable);
        Save(now);
    }

    private void Save(ulong now)
    {
        if (_folder is null) return;
        try
        {
            lock (_lock) AttestationFile.Write(_folder, _book.Find(0, now));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WitnessLog.NotKept(_logger, e.Message);
        }
    }

    private static SessionException Refuse(string reason) => new(SessionError.WrongTerms, $"The attestation is not taken: {reason}.");
}
