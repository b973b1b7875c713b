using Overlay;
using Overlay.Sharing;
using Overlay.Sharing.Limits;

namespace Embedding;

/// <summary>What others may have of the owner's line, and a pause.</summary>
internal static class Limits
{
    internal static async Task RunAsync(string folder, SharingConsent consent, CancellationToken cancellationToken)
    {
        #region limits
        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions
        {
            DataDirectory = folder,
            Sharing = new SharingOptions
            {
                Consent = consent,
                Limits = new OwnerLimits { MaxUpload = BitRate.FromMegabits(20), MonthlyQuota = ByteSize.FromGibibytes(500), Hibernate = true },
            },
        }, cancellationToken: cancellationToken);

        await overlay.Sharing!.PauseAsync(cancellationToken);
        SharingState state = overlay.Sharing.State; // Paused; UsedThisMonth …
        #endregion
        Console.WriteLine($"{state.Condition}, {state.UsedThisMonth} this month");
    }
}
