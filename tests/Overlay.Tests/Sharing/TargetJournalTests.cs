using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;

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

    private TargetJournal Create(TargetLogging logging, ByteSize? size = null) => new(logging, _folder.FullName, size ?? ByteSize.FromMebibytes(1), _time,
        new FakeLogger());
}
