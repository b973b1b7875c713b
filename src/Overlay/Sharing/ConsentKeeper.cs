using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>Watches over the consent of a node that shares: the moment it is gone, sharing ends.</summary>
/// <remarks>Its loop, owned by itself and awaited when it is disposed of, looks at the record's file each second. Withdrawing and the loop end sharing once, whoever is first.</remarks>
internal sealed class ConsentKeeper : IAsyncDisposable
{
    /// <summary>How often the file is looked at.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SharingOptions _sharing;
    private readonly string? _folder;
    private readonly ISigner _signer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<Task>? _end;
    private Task? _ending;
    private Task _watching = Task.CompletedTask;
    private volatile SharingConsent _consent;

    private ConsentKeeper(SharingConsent consent, SharingOptions sharing, string? folder, ISigner signer, TimeProvider time, ILogger logger)
    {
        _consent = consent;
        _sharing = sharing;
        _folder = folder;
        _signer = signer;
        _time = time;
        _logger = logger;
    }

    /// <summary>The consent as it is now.</summary>
    internal SharingConsent Consent => _consent;

    /// <summary>Done when the consent is gone.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>Finds the consent that sharing needs, or asks for it.</summary>
    /// <exception cref="OverlayException">There is none that allows what is to be shared; says what to do.</exception>
    internal static async Task<ConsentKeeper> OpenAsync(
        SharingOptions sharing, string? folder, ISigner signer, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        // With a folder the record on disk is what counts: one that a program has kept in memory may be withdrawn by now.
        SharingConsent? stored = folder is null ? null : ConsentFile.Find(folder, signer.PublicKey);
        SharingConsent? consent = (sharing.Consent ?? (object?)sharing.AskConsent) is null ? null : folder is null ? sharing.Consent : stored;
        if (consent is not null && consent.Node != signer.PublicKey) throw Missing("The consent is for another node's key.");
        string? objection = consent?.FindObjection(sharing);
        if ((consent is null || objection is not null) && sharing.AskConsent is { } ask)
        {
            consent = await SharingConsent.AskForAsync(signer, sharing, ask, time, cancellationToken).ConfigureAwait(false) ?? throw Missing("The owner has declined.");
            objection = null;
            if (folder is not null) ConsentFile.Store(folder, consent);
        }

        if (consent is null) throw Missing(sharing.Consent is null ? "None was given." : "There is none in the data folder.");
        if (objection is not null) throw Missing($"There is one, but {objection}.");
        SharingLog.SharingWithConsent(logger, consent.GivenAt, consent.GivenBy, consent.TextVersion);
        return new ConsentKeeper(consent, sharing, folder, signer, time, logger);
    }

    /// <summary>Begins to watch.</summary>
    /// <param name="end">Ends sharing; called once, when the consent is gone.</param>
    internal void Start(Func<Task> end)
    {
        _end = end;
        if (_folder is { } folder) _watching = Task.Run(() => WatchAsync(folder));
    }

    /// <summary>Ends sharing at once and marks the record.</summary>
    internal async Task WithdrawAsync()
    {
        SharingConsent withdrawn = _consent.WithdrawnAt is null ? _consent.WithdrawWith(_signer, _time) : _consent;
        // First the line, then the paper: a full disk must not keep it open.
        Task ending = EndAsync(withdrawn);
        if (_folder is { } folder) ConsentFile.Store(folder, withdrawn);
        await ending.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        Task? ending;
        lock (_lock) ending = _ending;
        if (ending is not null) await ending.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task WatchAsync(string folder)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        (DateTime, long) seen = default;
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                var file = new FileInfo(ConsentFile.PathIn(folder));
                (DateTime, long) now = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
                if (now == seen && file.Exists) continue;
                seen = now;
                if (Read(folder) is not { } consent || consent.FindObjection(_sharing) is not null)
                {
                    await EndAsync(Read(folder)).ConfigureAwait(false);
                    return;
                }

                _consent = consent;
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    // What cannot be read allows nothing.
    private SharingConsent? Read(string folder)
    {
        try
        {
            return ConsentFile.Find(folder, _signer.PublicKey);
        }
        catch (OverlayException)
        {
            return null;
        }
    }

    private Task EndAsync(SharingConsent? record)
    {
        lock (_lock)
        {
            if (_ending is not null) return _ending;
            _consent = record ?? _consent.WithdrawWith(_signer, _time);
            SharingLog.ConsentGone(_logger, _consent.GivenBy);
            _ended.TrySetResult();
            return _ending = _end?.Invoke() ?? Task.CompletedTask;
        }
    }

    private static OverlayException Missing(string why) => new(
        OverlayError.NoConsent,
        $"Sharing needs the owner's consent. {why} Ask with SharingConsent.AskAsync and set SharingOptions.Consent, or set SharingOptions.AskConsent; with the CLI: overlay consent give.");
}
