using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Commands;

/// <summary><c>overlay ledger forks</c>: the proofs that peers have signed two histories, as files for others, and the check of such a file.</summary>
internal static class LedgerForksCommand
{
    internal static Command Create(CommandTree tree)
    {
        var @out = new Option<string>("--out") { HelpName = "FOLDER", Description = "Also write each proof to a file in this folder, for anybody to check." };
        var check = new Option<string>("--check") { HelpName = "FILE", Description = "Check the proof in this file instead; needs no ledger." };
        var command = new Command("forks", "List peers that have signed two different blocks in one place, with the proofs.") { @out, check };
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, async invocation =>
        {
            IReadOnlyList<ForkProof> proofs;
            if (invocation.Find(check) is { } file)
            {
                proofs = [await ReadAsync(file, invocation.Stop)];
            }
            else
            {
                await using SqliteLedgerStore store = await LedgerCommand.OpenAsync(invocation, options);
                proofs = await store.FindForkProofsAsync(invocation.Stop);
            }

            if (invocation.Find(@out) is { } folder)
            {
                Directory.CreateDirectory(folder);
                foreach (ForkProof proof in proofs) await File.WriteAllBytesAsync(Path.Combine(folder, FileName(proof)), proof.Encode(), invocation.Stop);
            }

            invocation.Output.WriteTable(ForkRow.Columns, [.. proofs.Select(proof => new ForkRow(proof))]);
            return ExitCode.Done;
        }, "overlay ledger forks", "overlay ledger forks --out proofs", "overlay ledger forks --check proofs/fork.proof");
    }

    private static async Task<ForkProof> ReadAsync(string file, CancellationToken cancellationToken)
    {
        if (new FileInfo(file) is not { Exists: true } info) throw new RefusalException($"there is no file {file}");
        if (info.Length <= ForkProof.MaxSize && ForkProof.TryDecode(await File.ReadAllBytesAsync(file, cancellationToken), out ForkProof? proof)) return proof;
        throw new RefusalException($"{file} proves no fork: it is no proof, or a signature in it does not hold");
    }

    private static string FileName(ForkProof proof) => string.Create(CultureInfo.InvariantCulture, $"{Names.Peer(proof.Author)}-{proof.Sequence}.fork");

    private sealed class ForkRow(ForkProof proof) : IRow
    {
        internal static IReadOnlyList<Column> Columns { get; } = [new("peer"), new("block", true), new("one hash"), new("the other")];

        public string Event => "fork";

        public IReadOnlyList<string> Cells =>
            [Names.Peer(proof.Author), proof.Sequence.ToString(CultureInfo.InvariantCulture), Names.Short(proof.First.Hash), Names.Short(proof.Second.Hash)];

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteString("peerId"u8, Names.Peer(proof.Author));
            json.WriteNumber("sequence"u8, proof.Sequence);
            json.WriteString("firstHash"u8, proof.First.Hash.ToString());
            json.WriteString("secondHash"u8, proof.Second.Hash.ToString());
            json.WriteBase64String("proof"u8, proof.Encode());
        }
    }
}
