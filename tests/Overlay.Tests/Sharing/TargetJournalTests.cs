using System.IO.Pipes;
using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.TestKit;

namespace Overlay.Tests.Sharing;

public sealed class TargetJournalTests : IDisposable
{
    private static readonly PublicKey s_consumer = new([7, .. new byte[PublicKey.Size - 1]]);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("overlay-journal-");
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Current => Path.Combine(_folder.FullName, "targets.log");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(TargetLogging.None, 0, 0)]
    [InlineData(TargetLogging.Refusals, 1, 0)]
    [InlineData(TargetLogging.All, 1, 1)]
    public async Task Journal_ByChoice_WritesWhatWasChosenForTheOwnerAlone(TargetLogging logging, int refused, int reached)
    {
        await using (TargetJournal journal = Create(logging))
        {
            Exit exit = new(new ExitOptions(), new ScriptedResolver(["93.184.215.14"]), new RecordingDialer(), new FixedAddresses(), _time, new FakeLogger(),
                null, null, journal);
            (await exit.ConnectAsync(s_consumer, "good.example", 443, Token)).Dispose();
            await Assert.ThrowsAsync<ConnectRefusedException>(() => exit.ConnectAsync(s_consumer, "bad\n\u001b.example\"", 443, Token).AsTask());

            TargetRefusal refusal = Assert.Single(journal.Recent);
            Assert.Equal((s_consumer, "bad\n\u001b.example\"", 443, ConnectCode.AddressTypeNotSupported), (refusal.Consumer, refusal.Host, refusal.Port,
                refusal.Code));
        }

        JsonElement[] lines = File.Exists(Current) ? [.. File.ReadLines(Current).Select(line => JsonElement.Parse(line))] : [];
        Assert.Equal(refused, lines.Count(line => line.GetProperty("event").GetString() == "refused"
            && line.GetProperty("host").GetString() == "bad\n\u001b.example\""));
        Assert.Equal(reached, lines.Count(line => line.GetProperty("event").GetString() == "reached"
            && line.GetProperty("host").GetString() == "good.example"));
        Assert.Equal(refused + reached, lines.Length);
        if (lines.Length > 0 && !OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Current));
    }

    [Fact]
    public async Task Journal_Flooded_KeepsMemoryAndFilesWithinTheirLimits()
    {
        await using (TargetJournal journal = Create(TargetLogging.Refusals, ByteSize.FromKibibytes(4)))
        {
            for (int i = 0; i < 20_000; i++) journal.Refused(s_consumer, new string('x', 10_000) + i, i, new ConnectRefusedException(ConnectCode.Policy,
                "No."));
            Assert.Equal(TargetJournal.MaxRecent, journal.Recent.Count);
            Assert.Equal(19_999, journal.Recent[^1].Port);
            Assert.All(journal.Recent, refusal => Assert.Equal(255, refusal.Host.Length));
        }

        Assert.InRange(new FileInfo(Current).Length, 1, 4096);
        Assert.InRange(new FileInfo(Path.Combine(_folder.FullName, "targets.1.log")).Length, 1, 4096);
        Assert.Equal(2, _folder.GetFiles().Length);
    }

    [Fact]
    public async Task Journal_FolderThatIsGone_SaysSoAndGoesOn()
    {
        var log = new FakeLogger();
        string gone = Path.Combine(_folder.FullName, "gone");
        await using (var journal = new TargetJournal(TargetLogging.Refusals, gone, ByteSize.FromMebibytes(1), _time, log))
            journal.Refused(s_consumer, "a.example", 80, new ConnectRefusedException(ConnectCode.Policy, "No."));

        Assert.Contains(log.Collector.GetSnapshot(), record => record.Id.Id == 3006);
    }

    [Fact]
    public async Task Journal_ConsumerThatIsRefusedForAWhile_KeepsWhatItWasRefusedForAndCountsTheRest()
    {
        await using (TargetJournal journal = Create(TargetLogging.Refusals, ByteSize.FromKibibytes(4)))
        {
            var options = new ExitOptions { Targets = new TargetLimits { NewTargetsPerMinute = 1, FailureWeight = 1 } };
            Exit exit = new(options, new ScriptedResolver(["93.184.215.14"]), new RecordingDialer(), new FixedAddresses(), _time, new FakeLogger(), null, null,
                journal);
            foreach (string host in (string[])["10.0.0.1", "10.0.0.2"]) await RefusedAsync(exit, host);
            for (int i = 0; i < 5000; i++) await RefusedAsync(exit, "192.0.2.1");
            Assert.Equal(3, journal.Recent.Count);

            // The next pause is told again.
            _time.Advance(options.Targets.Pause);
            await RefusedAsync(exit, "10.0.0.3");
        }

        JsonElement[] lines = [.. File.ReadLines(Current).Select(line => JsonElement.Parse(line))];
        Assert.Equal(["10.0.0.1", "10.0.0.2", "192.0.2.1", "10.0.0.3"], lines.Select(line => line.GetProperty("host").GetString()));
        Assert.Equal(4999, lines[3].GetProperty("leftOut").GetInt32());
    }

    [Fact]
    public async Task Journal_DiskThatRefuses_IsToldOnceUntilItTakesALineAndTheLostAreCounted()
    {
        var log = new FakeLogger();
        // A folder stands where the file is to be.
        DirectoryInfo obstacle = Directory.CreateDirectory(Current);
        await using (var journal = new TargetJournal(TargetLogging.Refusals, _folder.FullName, ByteSize.FromMebibytes(1), _time, log))
        {
            for (int i = 0; i < 50; i++) journal.Refused(s_consumer, "a.example", 80, new ConnectRefusedException(ConnectCode.Policy, "No."));
            await Patience.UntilAsync(() => journal.LeftOut == 50, Token);
            obstacle.Delete();
            journal.Refused(s_consumer, "b.example", 80, new ConnectRefusedException(ConnectCode.Policy, "No."));
        }

        JsonElement line = JsonElement.Parse(Assert.Single(File.ReadLines(Current)));
        Assert.Equal(("b.example", 50), (line.GetProperty("host").GetString(), line.GetProperty("leftOut").GetInt32()));
        Assert.Single(log.Collector.GetSnapshot(), record => record.Id.Id == 3006);
    }

    [Fact]
    public async Task Journal_ThatIsALink_IsFollowedUntilTheNextFileBegins()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        string elsewhere = Path.Combine(_folder.FullName, "elsewhere");
        File.CreateSymbolicLink(Current, elsewhere);
        await using (TargetJournal journal = Create(TargetLogging.Refusals, ByteSize.FromKibibytes(4)))
            for (int i = 0; i < 200; i++) journal.Refused(s_consumer, "a.example", 80, new ConnectRefusedException(ConnectCode.Policy, "No."));

        Assert.InRange(new FileInfo(elsewhere).Length, 3000, 4096);
        Assert.Null(new FileInfo(Current).LinkTarget);
        Assert.InRange(new FileInfo(Current).Length, 1, 4096);
        Assert.Equal(3, _folder.GetFiles().Length);
    }

    [Fact]
    public async Task Journal_ThatLeadsToAPipe_IsWrittenWithoutEnd()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Open files have names there only.");
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        File.CreateSymbolicLink(Current, $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}");
        await using (TargetJournal journal = Create(TargetLogging.Refusals, ByteSize.FromKibibytes(4)))
            for (int i = 0; i < 100; i++) journal.Refused(s_consumer, "a.example", 80, new ConnectRefusedException(ConnectCode.Policy, "No."));

        pipe.DisposeLocalCopyOfClientHandle();
        using var reader = new StreamReader(pipe);
        Assert.Equal(100, (await reader.ReadToEndAsync(Token)).Count(c => c == '\n'));
    }

    private static Task<ConnectRefusedException> RefusedAsync(Exit exit, string host) =>
        Assert.ThrowsAsync<ConnectRefusedException>(() => exit.ConnectAsync(s_consumer, host, 80, Token).AsTask());

    private TargetJournal Create(TargetLogging logging, ByteSize? size = null) => new(logging, _folder.FullName, size ?? ByteSize.FromMebibytes(1), _time,
        new FakeLogger());
}
