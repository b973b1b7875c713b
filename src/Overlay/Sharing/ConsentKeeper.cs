using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>Watches over the consent of a node that shares: the moment it is gone, sharing ends.</summary>
/// <remarks>The record's file is looked at each second. Withdrawing and a change of the file end sharing once, whichever is first.</remarks>
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
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<Task>? _end;
    private Task? _ending;
    private FilePoll? _poll;
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
            consent = await SharingConsent.AskForAsync(signer, sharing, ask, time, cancellationToken).ConfigureAwait(false)
                ?? throw Missing("The owner has declined.");
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
        if (_folder is null) return;
        _poll = new FilePoll([ConsentFile.PathIn(_folder)], Interval, _time, _logger, LookAsync);
        _poll.Start();
        // What has changed while the node started; the end is awaited when this is disposed of.
        SharingConsent? now = Read(_folder);
        if (now?.FindObjection(_sharing) is not null || now is null) _ = EndAsync(now);
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
        if (_poll is not null) await _poll.DisposeAsync().ConfigureAwait(false);
        Task? ending;
        lock (_lock) ending = _ending;
        if (ending is not null) await ending.ConfigureAwait(false);
    }

    /// <summary>Looks at the record.</summary>
    internal async Task LookAsync()
    {
        SharingConsent? consent = Read(_folder!);
        if (consent is null || consent.FindObjection(_sharing) is not null)
        {
            await EndAsync(consent).ConfigureAwait(false);
            return;
        }

        lock (_lock)
        {
            // Sharing that has ended takes a new start of the node; until then a new consent is not this one's.
            if (_ending is null) _consent = consent;
        }
    }

    // What cannot be read allows nothing, whatever the reason.
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
        catch (Exception e)
        {
            SharingLog.ChangeFailed(_logger, ConsentFile.PathIn(folder), e);
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
        $"Sharing needs the owner's consent. {why} Ask with SharingConsent.AskAsync and set " +
        "SharingOptions.Consent, or set SharingOptions.AskConsent; with the CLI: overlay consent give.");
}
