using System.CommandLine;
using Overlay.Node.Output;
using Overlay.Proofs.Claims;

namespace Overlay.Node.Commands;

/// <summary><c>overlay claim verify</c>: checks a claim from anybody, offline; names the first thing wrong.</summary>
internal static class ClaimVerifyCommand
{
    internal static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The claim." };
        var earlier = new Option<string[]>("--earlier") { HelpName = "FILE", Description = "Claims that were shown before; nothing of them may be claimed again.", AllowMultipleArgumentsPerToken = true };
        var command = new Command("verify", "Check a claim from anybody, offline; names the first thing wrong and exits 1.") { file, earlier };
        return tree.Complete(command, async invocation =>
        {
            var before = new List<ReadOnlyMemory<byte>>();
            foreach (string path in invocation.GetAll(earlier)) before.Add(await ReadAsync(path, invocation.Stop));
            ClaimVerdict verdict = ClaimVerifier.Verify(await ReadAsync(invocation.Get(file), invocation.Stop), before);
            invocation.Output.Write(new ClaimVerdictMessage(verdict));
            return verdict.IsValid ? ExitCode.Done : throw new RefusalException(verdict.ToString());
        }, "overlay claim verify served.claim", "overlay claim verify november.claim --earlier october.claim september.claim --json");
    }

    private static async Task<byte[]> ReadAsync(string path, CancellationToken stop)
    {
        try
        {
            // No more than a claim can have, whatever the file is.
            await using FileStream file = File.OpenRead(path);
            byte[] buffer = new byte[(int)Math.Min(file.Length, Claim.MaxSize + 1)];
            int read = await file.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, stop);
            return buffer[..read];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusalException($"the claim {path} cannot be read: {e.Message}");
        }
    }
}
