using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Finds the providers to look at.</summary>
internal delegate IAsyncEnumerable<Watched> ProviderSurvey(CancellationToken cancellationToken);

/// <summary>A node's work as a witness: announces itself, looks at the providers that it knows at moments spread over the epoch, and attests those to which
/// it is among the nearest.</summary>
/// <remarks>One loop, which owns the schedule and what waits to be handed over; one provider after another.</remarks>
internal sealed class WitnessLoop : IAsyncDisposable
{
    // The DHT is asked anew for providers so often, and at once while none are known.
    private static readonly TimeSpan s_surveyInterval = TimeSpan.FromMinutes(10), s_surveyTime = TimeSpan.FromSeconds(20),
        s_pushTime = TimeSpan.FromSeconds(15);

    private readonly PeerIdentity _identity;
    private readonly PeerHost _host;
    private readonly WitnessOptions _options;
    private readonly TransportOptions _transport;
    private readonly WitnessTarget _target;
    private readonly WitnessRoster _roster;
    private readonly AttestationBook _book;
    private readonly ProviderSurvey _survey;
    private readonly PastBlock _pastBlock;
    private readonly FurnishHost _furnish;
    private readonly Func<CancellationToken, Task<int>> _announce;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WitnessSchedule _schedule;
    private readonly Dictionary<PublicKey, (Digest Block, ulong Epoch)> _pasts = [];
    private readonly List<(Attestation Attestation, Watched Provider)> _outbox = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private DateTimeOffset _surveyAt = DateTimeOffset.MinValue;
    private ulong? _targetSeen;
    private bool _isAnnounced;

    /// <param name="identity">The node's key, which signs.</param>
    /// <param name="host">The node's connections, on which attestations are handed over.</param>
    /// <param name="options">How it takes part.</param>
    /// <param name="transport">For the connections of looks.</param>
    /// <param name="roster">Who else takes part.</param>
    /// <param name="book">Where what was made is kept.</param>
    /// <param name="survey">Finds providers.</param>
    /// <param name="pastBlock">Reads a provider's chain.</param>
    /// <param name="furnish">Makes a look's host answer as a consumer's.</param>
    /// <param name="announce">Announces this node as a witness; gives on how many peers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told.</param>
    /// <exception cref="OverlayException">The target cannot be served.</exception>
    internal WitnessLoop(
        PeerIdentity identity, PeerHost host, WitnessOptions options, TransportOptions transport, WitnessRoster roster, AttestationBook book,
        ProviderSurvey survey, PastBlock pastBlock, FurnishHost furnish, Func<CancellationToken, Task<int>> announce, TimeProvider time, ILogger logger)
    {
        _identity = identity;
        _host = host;
        _options = options;
        _transport = transport;
        _roster = roster;
        _book = book;
        _survey = survey;
        _pastBlock = pastBlock;
        _furnish = furnish;
        _announce = announce;
        _time = time;
        _logger = logger;
        _schedule = new WitnessSchedule(identity.PeerId, options.MaxProvidersPerEpoch, options.Spread);
        _target = WitnessTarget.Start(options, time, logger);
    }

    internal void Start() => _running = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        await _target.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(_options.Interval, _time);
        try
        {
            do
            {
                try
                {
                    await RoundAsync(_stopping.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is IOException or InvalidOperationException
                    || (e is OperationCanceledException && !_stopping.IsCancellationRequested))
                {
                    WitnessLog.RoundFailed(_logger, e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        // Until somebody keeps it; from then on the DHT announces it anew by itself.
        if (!_isAnnounced) _isAnnounced = await _announce(cancellationToken).ConfigureAwait(false) > 0;
        if (_time.GetUtcNow() >= _surveyAt || _schedule.Count == 0) await SurveyAsync(cancellationToken).ConfigureAwait(false);
        while (_schedule.TakeDue(_time.GetUtcNow()) is { } provider) await LookAtAsync(provider, cancellationToken).ConfigureAwait(false);
        await HandOverAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task SurveyAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_surveyTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await foreach (Watched provider in _survey(either.Token).ConfigureAwait(false)) _schedule.Add(provider, _time.GetUtcNow());
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Those that were found by now must do.
        }

        _surveyAt = _time.GetUtcNow() + s_surveyInterval;
    }

    private async Task LookAtAsync(Watched provider, CancellationToken cancellationToken)
    {
        ulong epoch = WitnessDuty.EpochOf(_time.GetUtcNow());
        IReadOnlyList<PeerId> roster = await _roster.GetAsync(cancellationToken).ConfigureAwait(false);
        var probe = new WitnessProbe(_options, _transport, _furnish, _time);
        await using ConfiguredAsyncDisposable disposing = probe.ConfigureAwait(false);
        PeerConnection? connection = await probe.ConnectAsync(provider, cancellationToken).ConfigureAwait(false);
        if (await PastBlockAsync(connection, provider, epoch, cancellationToken).ConfigureAwait(false) is not { } block) return;
        if (!WitnessDuty.Nearest([.. roster, _identity.PeerId], provider.Peer, WitnessDuty.PlaceOf(epoch, provider.Key, block))
            .Contains(_identity.PeerId)) return;
        Sighting seen = connection is null ? new Sighting(SightingOutcome.NotReached, "It does not answer.")
            : await probe.LookAsync(_target, cancellationToken).ConfigureAwait(false);
        if (seen.Outcome == SightingOutcome.Reached) _targetSeen = epoch;
        if (!IsWorthAWord(seen, epoch))
        {
            WitnessLog.NotAttested(_logger, provider.Peer, seen.Reason);
            return;
        }

        Attestation attestation = Attest(provider, epoch, seen);
        _book.KeepMade(attestation);
        WitnessLog.Attested(_logger, provider.Peer, epoch, attestation.Body.Reachable, seen.Reason);
        _outbox.Add((attestation, provider));
    }

    /// <summary>The block by which the epoch's witnesses are found: what the provider shows, or what it last showed when it does not answer; null when it
    /// never has.</summary>
    private async ValueTask<Digest?> PastBlockAsync(PeerConnection? connection, Watched provider, ulong epoch, CancellationToken cancellationToken)
    {
        if (connection is null) return _pasts.TryGetValue(provider.Key, out (Digest Block, ulong Epoch) past) ? past.Block : null;
        using var deadline = new CancellationTokenSource(s_pushTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        Digest block = default;
        try
        {
            block = await _pastBlock(connection, provider.Key, epoch, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            WitnessLog.ChainNotShown(_logger, provider.Peer, e.Message);
        }

        if (_pasts.Count >= 4 * _options.MaxProvidersPerEpoch) _pasts.Remove(_pasts.MinBy(past => past.Value.Epoch).Key);
        _pasts[provider.Key] = (block, epoch);
        return block;
    }

    private bool IsWorthAWord(Sighting seen, ulong epoch) => seen.Outcome switch
    {
        SightingOutcome.Reached => true,
        // Who is cut off itself reaches nobody.
        SightingOutcome.NotReached => _host.Connections.Count > 0,
        // Where no exit has reached it lately, the target may be at fault.
        SightingOutcome.TargetNotReached => _targetSeen is { } last && epoch - last <= 1,
        _ => false,
    };

    private Attestation Attest(Watched provider, ulong epoch, Sighting seen)
    {
        bool isReached = seen.Outcome == SightingOutcome.Reached;
        // A look that began in an epoch is of that epoch.
        ulong at = Math.Min((ulong)Math.Max(0, _time.GetUtcNow().ToUnixTimeSeconds()), (epoch + 1) * WitnessDuty.SecondsPerEpoch - 1);
        return Attestation.Sign(
            new AttestationBody
            {
                Witness = new PublicKey(_identity.PublicKey.Data.Span),
                Provider = provider.Key,
                Epoch = epoch,
                Reachable = isReached,
                RttMillis = isReached ? (uint)Math.Min(Math.Ceiling(seen.RoundTrip.TotalMilliseconds), uint.MaxValue) : 0,
                MbpsDown = (uint)Math.Min(seen.Down.Megabits, uint.MaxValue),
                MbpsUp = (uint)Math.Min(seen.Up.Megabits, uint.MaxValue),
                ExitAddressPrefix = seen.Exit is { } exit ? WitnessDuty.PrefixOf(exit) : "",
                ObservedAt = at,
            },
            new IdentitySigner(_identity));
    }

    /// <summary>Tells the providers what was seen of them, and tells it again to those who did not answer, until the next epoch is over.</summary>
    private async Task HandOverAsync(CancellationToken cancellationToken)
    {
        ulong epoch = WitnessDuty.EpochOf(_time.GetUtcNow());
        _outbox.RemoveAll(waiting => waiting.Attestation.Body.Epoch + 1 < epoch);
        foreach ((Attestation Attestation, Watched Provider) waiting in _outbox.ToArray())
        {
            using var deadline = new CancellationTokenSource(s_pushTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                PeerConnection connection = await _host.ConnectAsync(waiting.Provider.Peer, waiting.Provider.Addresses, either.Token).ConfigureAwait(false);
                await AttestationClient.PushAsync(connection, waiting.Attestation, either.Token).ConfigureAwait(false);
                _outbox.Remove(waiting);
            }
            catch (Exception e) when (e is IOException or InvalidOperationException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                WitnessLog.NotHandedOver(_logger, waiting.Provider.Peer, e.Message);
            }
        }
    }
}
