using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Ledger;

/// <summary>How many receipts become durable in a second when many sessions store them at once, and how long a ledger of that many takes to open and to verify whole.</summary>
internal sealed record LedgerFile(int Receipts, int Sessions, string? Folder)
{
    internal const string Usage = "usage: ledger [--receipts 20000] [--sessions 256] [--folder DIR]";

    internal static LedgerFile Read(CommandOptions options)
    {
        var question = new LedgerFile(options.Count("--receipts", 20_000), options.Count("--sessions", 256), options.Text("--folder"));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        string folder = Folder ?? Directory.CreateTempSubdirectory("overlay-ledger-").FullName;
        string path = Path.Combine(folder, "ledger.db");
        try
        {
            if (!File.Exists(path)) await FillAsync(path);
            Say($"{new FileInfo(path).Length / 1e6:F1} MB on disk");

            var clock = Stopwatch.StartNew();
            await using (await SqliteLedgerStore.OpenAsync(path, CancellationToken.None)) Say($"opened in {clock.Elapsed.TotalSeconds:F3} s");

            clock.Restart();
            LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(path, CancellationToken.None);
            if (!verdict.IsSound) throw new InvalidOperationException(verdict.FirstFault);
            Say($"{verdict.ReceiptCount} receipts verified whole in {clock.Elapsed.TotalSeconds:F1} s");
            return 0;
        }
        finally
        {
            if (Folder is null) Directory.Delete(folder, recursive: true);
        }
    }

    // Signing comes first, a slice at a time, so that only the storing is timed.
    private async Task FillAsync(string path)
    {
        const int Slice = 64;
        Course[] courses = [.. Enumerable.Range(0, Sessions).Select(i => new Course(i))];
        SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(path, CancellationToken.None);
        await using ConfiguredAsyncDisposable closing = store.ConfigureAwait(false);
        foreach (Course course in courses) await store.SaveSessionAsync(course.Record, CancellationToken.None);
        TimeSpan storing = TimeSpan.Zero;
        int stored = 0;
        while (stored < Receipts)
        {
            int each = Math.Clamp((Receipts - stored) / Sessions, 1, Slice);
            ReceiptEntry[][] due = new ReceiptEntry[Sessions][];
            Parallel.For(0, Sessions, i => due[i] = [.. Enumerable.Range(0, each).Select(_ => courses[i].Next())]);
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(courses.Select((course, i) => StoreAsync(store, course, due[i])));
            storing += clock.Elapsed;
            stored += each * Sessions;
        }

        Say($"{stored} receipts of {Sessions} sessions stored, {stored / storing.TotalSeconds:F0} durable receipts/s");
    }

    private static async Task StoreAsync(SqliteLedgerStore store, Course course, ReceiptEntry[] entries)
    {
        foreach (ReceiptEntry entry in entries) await store.SaveReceiptAsync(entry, course.Record, CancellationToken.None);
    }

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>One session of a provider, each with a consumer of its own; all in one leg.</summary>
    private sealed class Course
    {
        private static readonly IdentitySigner s_provider = new(PeerIdentity.Generate());
        private readonly IdentitySigner _consumer = new(PeerIdentity.Generate());
        private ReceiptEntry? _last;

        internal Course(int number) => Record = new SessionRecord
        {
            SessionId = new Digest(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number))),
            Role = LedgerRole.Provider,
            Counterparty = _consumer.PublicKey,
            OfferId = default,
            PricePerGiB = 50_000,
            CreditWindow = 16 << 20,
            Leg = 0,
            Counted = default,
            CountedExactly = false,
            State = SessionState.Open,
            OpenedAt = 1_800_000_000,
            Seed = new BlindingSeed(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(~number))),
        };

        internal SessionRecord Record { get; }

        internal ReceiptEntry Next()
        {
            ulong sequence = _last is null ? 0 : _last.Receipt.Body.Sequence + 1;
            var opening = new ReceiptOpening(sequence, sequence << 23);
            var body = new ReceiptBody
            {
                SessionId = Record.SessionId,
                Leg = 0,
                Provider = s_provider.PublicKey,
                Consumer = _consumer.PublicKey,
                Sequence = sequence,
                Final = false,
                Commitment = ReceiptCommitment.Create(opening, Record.Seed, Record.SessionId, 0, sequence),
                PricePerGiB = Record.PricePerGiB,
                Epoch = 500_000,
                PreviousReceiptHash = _last?.Receipt.Hash ?? default,
                IssuedAt = 1_800_000_005,
            };
            return _last = new ReceiptEntry(Receipt.Issue(body, _consumer).Countersign(s_provider), opening, LedgerRole.Provider);
        }
    }
}
