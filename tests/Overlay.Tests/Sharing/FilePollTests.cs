using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public sealed class FilePollTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("overlay-poll-");
    private readonly FakeLogger _log = new();
    private int _told;

    private string Watched => Path.Combine(_folder.FullName, "list");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Look_FileThatIsStillBeingWritten_IsToldOfOnlyWhenItRests()
    {
        await using FilePoll poll = Create(waitsForRest: true);
        Write("one");
        await poll.LookAsync();
        Write("one and a");
        await poll.LookAsync();
        Write("one and another");
        await poll.LookAsync();
        Assert.Equal(0, _told);

        await poll.LookAsync();
        Assert.Equal(1, _told);
        await poll.LookAsync();
        await poll.LookAsync();
        Assert.Equal(1, _told);
    }

    [Fact]
    public async Task Look_WithoutWaiting_IsToldOfAtOnce()
    {
        await using FilePoll poll = Create(waitsForRest: false);
        Write("one");
        await poll.LookAsync();
        Assert.Equal(1, _told);
    }

    [Fact]
    public async Task Look_LinkWhoseFileChanges_IsToldOf()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        string real = Path.Combine(_folder.FullName, "real"), between = Path.Combine(_folder.FullName, "between");
        File.WriteAllText(real, "one");
        File.CreateSymbolicLink(between, real);
        File.CreateSymbolicLink(Watched, between);
        await using FilePoll poll = Create(waitsForRest: false);
        File.WriteAllText(real, "one and another");
        await poll.LookAsync();
        Assert.Equal(1, _told);
        File.Delete(real);
        await poll.LookAsync();
        Assert.Equal(2, _told);
    }

    [Fact]
    public async Task Look_ChangeThatCannotBeDealtWith_IsLoggedAndTheWatchGoesOn()
    {
        await using FilePoll poll = Create(waitsForRest: false, () => throw new InvalidOperationException("Unforeseen."));
        Write("one");
        await poll.LookAsync();
        Write("another");
        await poll.LookAsync();

        Assert.Equal(2, _told);
        Assert.Equal(2, _log.Collector.GetSnapshot().Count(record => record.Id.Id == 3008 && record.Exception is InvalidOperationException));
    }

    private void Write(string text) => File.WriteAllText(Watched, text);

    private FilePoll Create(bool waitsForRest, Action? then = null) => new([Watched], TimeSpan.FromSeconds(1), new FakeTimeProvider(), _log, () =>
    {
        _told++;
        then?.Invoke();
        return Task.CompletedTask;
    }, waitsForRest);
}
