using Overlay.Proofs.Claims;

namespace Embedding;

/// <summary>Checks a claim: offline, with the Overlay.Proofs package alone.</summary>
internal static class Auditor
{
    internal static async Task<bool> VerifyAsync(string file, CancellationToken cancellationToken)
    {
        #region claim
        ClaimVerdict verdict = ClaimVerifier.Verify(await File.ReadAllBytesAsync(file, cancellationToken));
        Console.WriteLine(verdict); // "valid", or the first thing that is wrong
        #endregion
        return verdict.IsValid;
    }
}
