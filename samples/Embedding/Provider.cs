using Overlay;
using Overlay.Proofs.Receipts;
using Overlay.Sharing;
using Overlay.Transport.Identity;

namespace Embedding;

/// <summary>Gives service for a price, and tells of each receipt.</summary>
internal static class Provider
{
    internal static async Task RunAsync(CancellationToken cancellationToken)
    {
        #region provider
        var sharing = new SharingOptions { Region = "DE", PricePerGiB = 0.05m };
        SharingConsent? consent = await SharingConsent.AskAsync("provider-data", sharing, (text, cancelled) =>
        {
            Console.Write($"{text.Text}\nType yes to share: ");
            return ValueTask.FromResult(Console.ReadLine() == "yes" ? text.Accept("the embedding sample, on its console") : text.Decline());
        }, cancellationToken: cancellationToken);

        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions
        {
            DataDirectory = "provider-data",
            Listen = ["/ip4/0.0.0.0/tcp/4001"],
            Sharing = sharing with { Consent = consent },
        }, cancellationToken: cancellationToken);

        foreach (Multiaddr address in overlay.Addresses) Console.WriteLine(address);
        await foreach (Receipt receipt in overlay.Ledger.WatchAsync(cancellationToken))
            Console.WriteLine($"receipt {receipt.Body.Sequence} of session {receipt.Body.SessionId}");
        #endregion
    }
}
