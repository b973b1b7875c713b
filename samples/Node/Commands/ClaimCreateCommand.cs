using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay claim create</c>: a claim of one epoch out of the ledger. A copy stays in the data folder, and with it the memory that the epoch is claimed.</summary>
internal static class ClaimCreateCommand
{
    private const string Ending = ".claim";

    // A leg belongs to the epoch in which it began, goes on for up to an hour, and waits up to another to be sealed.
    private const int EpochsUntilSealed = 3;

    internal static Command Create(CommandTree tree)
    {
        var @out = new Option<string>("--out") { HelpName = "FILE", Description = "Write the claim to this file, replacing it.", Required = true };
        var total = new Option<bool>("--total") { Description = "Say exactly how much was served; what is said without --at-least and --ranges." };
        var atLeast = new Option<string>("--at-least") { HelpName = "SIZE", Description = "Say only that it was at least this much, such as 10GiB." };
        var ranges = new Option<bool>("--ranges") { Description = "Show that no amount is negative or absurd." };
        var epoch = new Option<string>("--epoch") { HelpName = "N", Description = "Hours since 1970; if not given, the newest that is not claimed yet and whose legs are all sealed, three hours on. An epoch can be claimed once." };
        var command = new Command("create", "Make a claim of what this node has served in one epoch.") { @out, total, atLeast, ranges, epoch };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            SettingValues settings = invocation.Read(options);
            ulong? minimum = ReadSize(invocation.Find(atLeast));
            if (invocation.Has(total) && minimum is not null) throw new UsageException("--total and --at-least exclude each other: the exact total says more.");
            var wish = new ClaimWish(ReadEpoch(invocation.Find(epoch)), minimum, invocation.Has(total), invocation.Has(ranges));
            LedgerCommand.Find(settings);
            string file = Path.GetFullPath(invocation.Find(@out)!);
            // Asked before, since making the claim uses up its epoch.
            if (!Directory.Exists(Path.GetDirectoryName(file))) throw new RefusalException($"there is no folder for {file}");
            Claim claim = await CreateAsync(DataFolder.Of(settings), wish, invocation.Stop);
            byte[] encoded = claim.Encode();
            await WriteAsync(file, encoded, invocation.Stop);
            invocation.Output.Write(new Answer(file, encoded.Length, claim));
            return ExitCode.Done;
        }, "overlay claim create --out served.claim", "overlay claim create --out served.claim --at-least 10GiB --data /var/lib/overlay");
    }

    /// <summary>Makes a claim out of the ledger in a data folder, checks it, and keeps a copy there.</summary>
    /// <exception cref="RefusalException">There is nothing to claim, or what is wished is not true or was claimed before.</exception>
    internal static async Task<Claim> CreateAsync(string folder, ClaimWish wish, CancellationToken stop)
    {
        string kept = Path.Combine(folder, "claims");
        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(DataFolder.LedgerFile(folder), stop);
        ulong chosen = await ChooseEpochAsync(store, wish.Epoch, kept, stop);
        ClaimMaterial material = await ClaimSource.CollectAsync(store, chosen, stop);
        if (material.Legs.Count == 0) throw new RefusalException($"there is nothing sealed to claim for epoch {chosen}");

        var statements = new List<ClaimStatement>();
        if (wish.AtLeast is { } least) statements.Add(ClaimStatement.AtLeast(least));
        if (wish.Ranges) statements.Add(ClaimStatement.AmountsInRange);
        if (wish.Total || statements.Count == 0) statements.Add(ClaimStatement.ExactTotal(Sum(material.Legs)));
        using PeerIdentity identity = PeerIdentityFile.Load(DataFolder.KeyFile(folder));
        Claim claim = Make(chosen, material, statements, new NodeSigner(identity));
        byte[] encoded = claim.Encode();
        ClaimVerdict verdict = ClaimVerifier.Verify(encoded);
        if (!verdict.IsValid) throw new RefusalException($"the ledger does not make a claim: {verdict.Fault}");
        Keep(kept, chosen, encoded);
        return claim;
    }

    private static Claim Make(ulong epoch, ClaimMaterial material, List<ClaimStatement> statements, ISigner provider)
    {
        try
        {
            return ClaimBuilder.Create(epoch, material.Blocks, material.Legs, statements, [], provider);
        }
        catch (ArgumentException e)
        {
            throw new RefusalException(e.Message);
        }
    }

    private static async Task<ulong> ChooseEpochAsync(SqliteLedgerStore store, ulong? wanted, string kept, CancellationToken stop)
    {
        ulong[] claimed = Directory.Exists(kept) ? [.. Directory.EnumerateFiles(kept, "*" + Ending).Select(ReadKeptEpoch).OfType<ulong>()] : [];
        if (wanted is { } epoch)
            return ClaimRules.ObjectToEpoch(claimed, epoch) is { } objection ? throw new RefusalException($"{objection}; the claim is kept in {kept}") : epoch;
        ulong[] free = [.. (await ClaimSource.FindEpochsAsync(store, stop)).Except(claimed)];
        if (free.Length == 0) throw new RefusalException("there is nothing sealed that is not claimed already");
        ulong now = (ulong)Math.Max(0, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 3600);
        ulong[] whole = [.. free.Where(candidate => candidate + EpochsUntilSealed <= now)];
        return whole.Length != 0
            ? whole[^1]
            : throw new RefusalException($"epoch {free[^1]} may still grow, and can be claimed only once: wait until {EpochsUntilSealed} hours are over, or name it with --epoch");
    }

    // Before anything is shown: a claim that is out and forgotten would let a second one give away single amounts.
    private static void Keep(string folder, ulong epoch, byte[] encoded)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, epoch.ToString(CultureInfo.InvariantCulture) + Ending);
        using FileStream file = new(path, FileMode.CreateNew);
        try
        {
            file.Write(encoded);
            file.Flush(flushToDisk: true);
        }
        catch
        {
            // Nobody has seen the claim: the epoch is as free as before.
            File.Delete(path);
            throw;
        }
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

    private static ulong? ReadKeptEpoch(string path) =>
        ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out ulong epoch) ? epoch : null;

    private static ulong Sum(IReadOnlyList<ClaimLeg> legs)
    {
        ulong sum = 0;
        foreach (ClaimLeg leg in legs) sum = checked(sum + leg.Amount);
        return sum;
    }

    private static ulong? ReadSize(string? text)
    {
        if (text is null) return null;
        return ByteSize.TryParse(text, out ByteSize size) ? size.Bytes : throw new UsageException($"--at-least cannot be '{text}': it takes a size such as 10GiB.");
    }

    private static ulong? ReadEpoch(string? text)
    {
        if (text is null) return null;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint epoch) ? epoch : throw new UsageException($"--epoch cannot be '{text}': it takes a number of hours since 1970.");
    }

    private sealed class NodeSigner(PeerIdentity identity) : ISigner
    {
        public PublicKey PublicKey { get; } = new(identity.PublicKey.Data.Span);

        public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => identity.Sign(message, signature);
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
        }

        public void WriteText(TextPage page)
        {
            page.Line($"Wrote {Units.Size((ulong)size)} to {file}.");
            page.Field("id", claim.Id.ToString());
            page.Field("receipts", Units.Count((ulong)claim.Receipts.Count));
            foreach (ClaimStatement statement in claim.Statements) page.Field("claims", Names.Of(statement));
        }
    }
}

/// <summary>What somebody wishes to claim.</summary>
/// <param name="Epoch">Which epoch; null for the newest that is not claimed.</param>
/// <param name="AtLeast">A lower bound in bytes, or null.</param>
/// <param name="Total">Whether to say the exact total; it is said also when nothing else is.</param>
/// <param name="Ranges">Whether to prove every amount's range.</param>
internal sealed record ClaimWish(ulong? Epoch, ulong? AtLeast, bool Total, bool Ranges);
