namespace Overlay.Node.Tests;

public sealed class BlockCommandTests : IDisposable
{
    private const string Peer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AddListRemove_ByEitherName_AreOfOneConsumer()
    {
        CliRun added = await CliRun.OfAsync("block", "add", Peer, "--data", _folder.Path, "--json");
        string key = Assert.Single(added.Json).GetProperty("key").GetString()!;
        Assert.False(Assert.Single((await CliRun.OfAsync("block", "add", key, "--data", _folder.Path, "--json")).Json).GetProperty("changed").GetBoolean());

        Assert.Equal(Peer, Assert.Single((await CliRun.OfAsync("block", "list", "--data", _folder.Path, "--json")).Json).GetProperty("peerId").GetString());

        Assert.True(Assert.Single((await CliRun.OfAsync("block", "remove", key, "--data", _folder.Path, "--json")).Json).GetProperty("changed").GetBoolean());
        Assert.Empty((await CliRun.OfAsync("block", "list", "--data", _folder.Path, "--json")).Json);
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")]
    public async Task Add_NoKey_IsWrongUsage(string name)
    {
        CliRun run = await CliRun.OfAsync("block", "add", name, "--data", _folder.Path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("KEY", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DamagedBlockList_NamesTheLineAndDoesNotShare()
    {
        string list = _folder.Write("list", "example.com\n???\n");
        await CliRun.OfAsync("consent", "give", "--data", _folder.Path, "--i-have-read-it", "1");

        CliRun run = await CliRun.OfAsync("run", "--share", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--data", _folder.Path, "--block-list", list);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("line 2", run.ErrorLines[^1], StringComparison.Ordinal);
    }
}
