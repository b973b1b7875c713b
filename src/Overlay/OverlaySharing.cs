using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.Sharing.Limits;

namespace Overlay;

/// <summary>The service that a node gives to others, as its owner sees it.</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlaySharing
{
    private readonly ProviderSessions _sessions;
    private readonly OwnerProtection _protection;

    internal OverlaySharing(ProviderSessions sessions, OwnerProtection protection)
    {
        _sessions = sessions;
        _protection = protection;
    }

    /// <summary>Who is served at this moment, and how much so far. A snapshot.</summary>
    public IReadOnlyList<ServedSession> Sessions => [.. _sessions.Live.Select(ServedSession.Of)];

    /// <summary>What others may have of the line.</summary>
    public OwnerLimits Limits => _protection.Limits;

    /// <summary>Whether service is given at this moment, and what was used. A snapshot.</summary>
    public SharingState State => _protection.State;

    /// <summary>Takes other limits at once, and keeps them in the data folder for the next start. Open connections live on as far as the new ones allow.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="cancellationToken">Gives up before anything is written.</param>
    /// <exception cref="OverlayException">They cannot be written; the old ones hold.</exception>
    public Task SetLimitsAsync(OwnerLimits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return ChangeAsync(_ => limits, cancellationToken);
    }

    /// <summary>Serves nobody from now on: asks for last receipts, ends all sessions and opens no more, also after a restart.</summary>
    /// <inheritdoc cref="SetLimitsAsync"/>
    public Task PauseAsync(CancellationToken cancellationToken = default) => ChangeAsync(static limits => limits with { Paused = true }, cancellationToken);

    /// <summary>Serves again, as the other limits allow.</summary>
    /// <inheritdoc cref="SetLimitsAsync"/>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => ChangeAsync(static limits => limits with { Paused = false }, cancellationToken);

    /// <summary>The limits that a data folder holds; the node that runs there, in another process say, has them too.</summary>
    /// <returns>Null where none were set yet.</returns>
    /// <exception cref="OverlayException">They cannot be read, or are damaged.</exception>
    public static OwnerLimits? ReadLimits(string dataDirectory) => With(dataDirectory, static file => file.Load()?.Limits);

    /// <summary>Writes limits into a data folder; the node that runs there takes them within a second, and a stopped one when it starts.</summary>
    /// <returns>Which limits these are: <see cref="SharingState.Revision"/> of a node that has taken them.</returns>
    /// <exception cref="OverlayException">They cannot be written.</exception>
    public static string WriteLimits(string dataDirectory, OwnerLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return With(dataDirectory, file => file.Save(limits));
    }

    /// <summary>What the node that shares on a data folder, in another process say, said of itself last: at every change, and each second while it serves.</summary>
    /// <returns>Null when no node shares there.</returns>
    /// <exception cref="OverlayException">It cannot be read.</exception>
    public static SharingState? ReadRunning(string dataDirectory) =>
        // One that was killed leaves its state behind; its lock on the address book it does not.
        OverlayDiscovery.ReadRunning(dataDirectory) is null ? null : With(dataDirectory, static file => file.ReadState());

    private async Task ChangeAsync(Func<OwnerLimits, OwnerLimits> change, CancellationToken cancellationToken)
    {
        try
        {
            await _protection.SetAsync(change, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }

    private static T With<T>(string dataDirectory, Func<LimitsFile, T> work)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        try
        {
            return work(new LimitsFile(dataDirectory));
        }
        catch (IOException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
