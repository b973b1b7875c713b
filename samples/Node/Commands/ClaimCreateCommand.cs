using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs.Claims;

namespace Overlay.Node.Commands;

/// <summary><c>overlay claim create</c>: a claim of one epoch out of the ledger. A copy stays in the data folder, and with it the memory that the epoch is claimed.</summary>
internal static class ClaimCreateCommand
{
    internal static Command Create(CommandTree tree)
    {
        var @out = new Option<string>("--out") { HelpName = "FILE", Description = "Write the claim to this file, replacing it.", Required = true };
        var total = new Option<bool>("--total") { Description = "Say exactly how much was served; what is said without --at-least and --ranges." };
        var atLeast = new Option<string>("--at-least") { HelpName = "SIZE", Description = "Say only that it was at least this much, such as 10GiB." };
        var ranges = new Option<bool>("--ranges") { Description = "Show that no amount is negative or absurd." };
        var epoch = new Option<string>("--epoch") { HelpName = "N", Description = "Hours since 1970; if not given, the newest that is not claimed yet and whose legs are all sealed, three hours on. An epoch can be claimed once." };
        var bare = new Option<bool>("--no-attestations") { Description = "Leave out what witnesses have attested: it says where the exit stands, and who they are." };
        var command = new Command("create", "Make a claim of what this node has served in one epoch.") { @out, total, atLeast, ranges, epoch, bare };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            SettingValues settings = invocation.Read(options);
            ByteSize? minimum = ReadSize(invocation.Find(atLeast));
            if (invocation.Has(total) && minimum is not null) throw new UsageException("--total and --at-least exclude each other: the exact total says more.");
            var request = new ClaimRequest
            {
                Epoch = ReadEpoch(invocation.Find(epoch)),
                AtLeast = minimum,
                ExactTotal = invocation.Has(total),
                AmountsInRange = invocation.Has(ranges),
                HeldAttestations = !invocation.Has(bare),
            };
            LedgerCommand.Find(settings);
            string file = Path.GetFullPath(invocation.Find(@out)!);
            // Asked before, since making the claim uses up its epoch.
            if (!Directory.Exists(Path.GetDirectoryName(file))) throw new RefusalException($"there is no folder for {file}");
            Claim claim = await OverlayLedger.CreateClaimAsync(DataFolder.Of(settings), request, null, invocation.Stop);
            byte[] encoded = claim.Encode();
            await WriteAsync(file, encoded, invocation.Stop);
            invocation.Output.Write(new Answer(file, encoded.Length, claim));
            return ExitCode.Done;
        }, "overlay claim create --out served.claim", "overlay claim create --out served.claim --at-least 10GiB --data /var/lib/overlay");
    }

    private static async Task WriteAsync(string file, byte[] encoded, CancellationToken stop)
    {
        try
        {
            await File.WriteAllBytesAsync(file, encoded, stop);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusalException($"{file} cannot be written: {e.Message} The claim is made all the same, and its copy in the data folder's claims is as good");
        }
    }

    private static ByteSize? ReadSize(string? text)
    {
        if (text is null) return null;
        return ByteSize.TryParse(text, out ByteSize size) ? size : throw new UsageException($"--at-least cannot be '{text}': it takes a size such as 10GiB.");
    }

    private static ulong? ReadEpoch(string? text)
    {
        if (text is null) return null;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint epoch) ? epoch : throw new UsageException($"--epoch cannot be '{text}': it takes a number of hours since 1970.");
    }

    private sealed class Answer(string file, int size, Claim claim) : IMessage
    {
        public string Event => "claim";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("file"u8, file);
            json.WriteNumber("bytes"u8, size);
            json.WriteString("id"u8, claim.Id.ToString());
            json.WriteNumber("epoch"u8, claim.Epoch);
            json.WriteNumber("receipts"u8, claim.Receipts.Count);
            json.WriteNumber("attestations"u8, claim.Attestations.Count);
        }

        public void WriteText(TextPage page)
        {
            page.Line($"Wrote {Units.Size((ulong)size)} to {file}.");
            page.Field("id", claim.Id.ToString());
            page.Field("receipts", Units.Count((ulong)claim.Receipts.Count));
            if (claim.Attestations.Count > 0) page.Field("witnesses", Units.Count((ulong)claim.Attestations.Count));
            foreach (ClaimStatement statement in claim.Statements) page.Field("claims", Names.Of(statement));
        }
    }
}
