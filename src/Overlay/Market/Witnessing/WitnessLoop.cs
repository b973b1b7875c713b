using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Finds the providers to look at.</summary>
internal delegate IAsyncEnumerable<Watched> ProviderSurvey(CancellationToken cancellationToken);

/// <summary>A node's work as a witness: announces itself, looks at the providers that it knows at moments spread over the epoch, and attests those to which
/// it is among the nearest.</summary>
/// <remarks>One loop, which looks at a few providers at once: one that stalls must not use up the time of the others.</remarks>
internal sealed class WitnessLoop : IAsyncDisposable
{
    internal const int MaxLooksAtOnce = 4;

    // The DHT is asked anew for providers so often, and at once while none are known.
    private static readonly TimeSpan s_surveyInterval = TimeSpan.FromMinutes(10), s_surveyTime = TimeSpan.FromSeconds(20);

    // A provider that has answered and whose chain could not be read is asked again so much later, in the same epoch.
    private static readonly TimeSpan s_again = TimeSpan.FromMinutes(10);

    private readonly PeerIdentity _identity;
    private readonly PeerHost _host;
    private readonly WitnessOptions _options;
    private readonly TransportOptions _transport;
    private readonly WitnessTarget _target;
    private readonly WitnessRoster _roster;
    private readonly AttestationBook _book;
    private readonly ProviderSurvey _survey;
    private readonly PastBlocks _pasts;
    private readonly FurnishHost _furnish;
    private readonly Func<CancellationToken, Task<int>> _announce;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WitnessSchedule _schedule;
    private readonly AttestationOutbox _outbox;
    private readonly Lock _lock = new(); // guards the schedule, and when the target was seen
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
        _pasts = new PastBlocks(pastBlock, 4 * options.MaxProvidersPerEpoch, time, logger);
        _furnish = furnish;
        _announce = announce;
        _time = time;
        _logger = logger;
        _outbox = new AttestationOutbox(HandOverAsync, options.Interval, time, logger);
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
                catch (Exception e) when (IsPassing(e))
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
        if (_time.GetUtcNow() >= _surveyAt || IsScheduleEmpty()) await SurveyAsync(cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(Enumerable.Range(0, MaxLooksAtOnce).Select(_ => LookAsync(cancellationToken))).ConfigureAwait(false);
        await _outbox.HandOverAsync(cancellationToken).ConfigureAwait(false);
    }

    private bool IsPassing(Exception e) => e is IOException or InvalidOperationException or ArgumentException or LedgerException
        || (e is OperationCanceledException && !_stopping.IsCancellationRequested);

    private bool IsScheduleEmpty()
    {
        lock (_lock) return _schedule.Count == 0;
    }

    /// <summary>Looks at one provider after another, as long as any is due.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        while (TakeDue() is { } provider)
        {
            try
            {
                await LookAtAsync(provider, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsPassing(e))
            {
                WitnessLog.NotAttested(_logger, provider.Peer, e.Message);
            }
        }
    }

    private Watched? TakeDue()
    {
        lock (_lock) return _schedule.TakeDue(_time.GetUtcNow());
    }

    private async Task SurveyAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_surveyTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await foreach (Watched provider in _survey(either.Token).ConfigureAwait(false))
            {
                lock (_lock) _schedule.Add(provider, _time.GetUtcNow());
            }
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
        if (await _pasts.OfAsync(connection, provider, epoch, cancellationToken).ConfigureAwait(false) is not { } block)
        {
            if (connection is not null) TryAgain(provider);
            return;
        }

        if (!WitnessDuty.Nearest([.. roster, _identity.PeerId], provider.Peer, WitnessDuty.PlaceOf(epoch, provider.Key, block))
            .Contains(_identity.PeerId)) return;
        Sighting seen = connection is null ? new Sighting(SightingOutcome.NotReached, "It does not answer.")
            : await probe.LookAsync(_target, cancellationToken).ConfigureAwait(false);
        if (!IsWorthAWord(seen, epoch))
        {
            WitnessLog.NotAttested(_logger, provider.Peer, seen.Reason);
            return;
        }

        Attestation attestation = Attest(provider, epoch, seen);
        _book.KeepMade(attestation);
        WitnessLog.Attested(_logger, provider.Peer, epoch, attestation.Body.Reachable, seen.Reason);
        _outbox.Add(attestation, provider);
    }

    private void TryAgain(Watched provider)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_lock) _schedule.Again(provider, now + s_again, now);
        WitnessLog.NotAttested(_logger, provider.Peer, "Its chain could not be read, and is asked for again.");
    }

    private bool IsWorthAWord(Sighting seen, ulong epoch)
    {
        lock (_lock)
        {
            if (seen.Outcome == SightingOutcome.Reached) _targetSeen = Math.Max(epoch, _targetSeen ?? 0);
            return seen.Outcome switch
            {
                SightingOutcome.Reached => true,
                // Who is cut off itself reaches nobody.
                SightingOutcome.NotReached => _host.Connections.Count > 0,
                // Where no exit has reached it lately, the target may be at fault.
                SightingOutcome.TargetNotReached => _targetSeen is { } last && epoch <= last + 1,
                _ => false,
            };
        }
    }

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

    private async ValueTask HandOverAsync(Attestation attestation, Watched provider, CancellationToken cancellationToken)
    {
        PeerConnection connection = await _host.ConnectAsync(provider.Peer, provider.Addresses, cancellationToken).ConfigureAwait(false);
        await AttestationClient.PushAsync(connection, attestation, cancellationToken).ConfigureAwait(false);
    }
}
