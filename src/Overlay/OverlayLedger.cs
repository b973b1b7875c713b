using System.Runtime.CompilerServices;
using Overlay.Claiming;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>A node's receipts, and the claims that are made of them.</summary>
public sealed class OverlayLedger
{
    private readonly ClaimDesk _claims;

    internal OverlayLedger(ILedgerStore store, ClaimDesk claims)
    {
        Store = store;
        _claims = claims;
    }

    /// <summary>Where they are kept.</summary>
    public ILedgerStore Store { get; }

    /// <summary>Epochs of which this node has made a claim, by the files in its data folder; each can be claimed once.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public IReadOnlyCollection<ulong> ClaimedEpochs => _claims.Epochs;

    /// <summary>Makes a claim of what this node has served in one epoch: a file for anybody, who checks it with <see cref="ClaimVerifier"/>.</summary>
    /// <param name="request">Which epoch, and what the claim is to say.</param>
    /// <param name="cancellationToken">Gives up; the epoch stays free.</param>
    /// <returns>The claim, checked. A copy stays in the data folder, <c>claims/EPOCH.claim</c>, and with it the memory that the epoch is claimed.</returns>
    /// <exception cref="OverlayException">There is nothing to claim, what is wished is not true or was claimed before, or the claim cannot be kept
    /// (<see cref="OverlayError.NothingToClaim"/>).</exception>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    public Task<Claim> CreateClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default) =>
        _claims.CreateAsync(request ?? throw new ArgumentNullException(nameof(request)), cancellationToken);

    /// <summary>The same from the data folder of a node, whether it runs or not.</summary>
    /// <param name="dataDirectory">The node's <see cref="OverlayOptions.DataDirectory"/>.</param>
    /// <param name="request">Which epoch, and what the claim is to say.</param>
    /// <param name="timeProvider">By which an epoch's age is told; the system's when null.</param>
    /// <param name="cancellationToken">Gives up; the epoch stays free.</param>
    /// <exception cref="OverlayException">As for the other, or the folder's key cannot be read (<see cref="OverlayError.DataDirectory"/>).</exception>
    /// <exception cref="LedgerException">There is no ledger, or it cannot be read.</exception>
    public static async Task<Claim> CreateClaimAsync(
        string dataDirectory, ClaimRequest request, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        ArgumentNullException.ThrowIfNull(request);
        SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(Path.Combine(dataDirectory, OverlayFiles.Ledger),
            cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = store.ConfigureAwait(false);
        using PeerIdentity identity = Load(dataDirectory);
        var signer = new IdentitySigner(identity);
        var desk = new ClaimDesk(
            store, signer, FolderOf(dataDirectory), timeProvider ?? TimeProvider.System,
            epoch => AttestationFile.Read(dataDirectory, signer.PublicKey).Where(attestation => attestation.Body.Epoch == epoch));
        return await desk.CreateAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Receipts as they become durable with both signatures, from now on, until cancelled.</summary>
    public async IAsyncEnumerable<Receipt> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (ReceiptEntry entry in Store.WatchAsync(cancellationToken).ConfigureAwait(false)) yield return entry.Receipt;
    }

    internal static ClaimFolder FolderOf(string dataDirectory) => new(Path.Combine(dataDirectory, ClaimFolder.Name));

    private static PeerIdentity Load(string dataDirectory)
    {
        try
        {
            return PeerIdentityFile.Load(Path.Combine(dataDirectory, OverlayFiles.Key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
