using System.Text;
using Overlay.Node.Configuration;

namespace Overlay.Node.Tests;

public sealed class SettingValuesTests
{
    private const string Peer = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData("0.1", null, null, "0.1")]
    [InlineData("0.1", "0.2", null, "0.2")]
    [InlineData("0.1", null, "0.3", "0.3")]
    [InlineData(null, "0.2", "0.3", "0.3")]
    [InlineData("0.1", "0.2", "0.3", "0.3")]
    [InlineData("0.1", "", null, "0.1")]
    public void Merge_SeveralSources_TheLaterWins(string? file, string? variable, string? flag, string? expected)
    {
        SettingValues values = Merge(
            file is null ? "{}" : $$"""{ "price": {{file}} }""",
            variable is null ? [] : new() { ["OVERLAY_PRICE"] = variable },
            flag is null ? [] : new() { [Settings.Price] = [flag] });

        Assert.Equal(expected is null ? null : decimal.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), values.Find(Settings.Price));
    }

    [Fact]
    public void Merge_Lists_AreReplacedAsAWhole()
    {
        SettingValues values = Merge("""{ "allowPort": [22, 25] }""", new() { ["OVERLAY_ALLOW_PORT"] = "8080, 8443" }, []);

        Assert.Equal([8080, 8443], values.Get(Settings.AllowPort));
    }

    [Fact]
    public void Merge_SwitchOnInTheFile_CanBeTurnedOffByAFlag()
    {
        Assert.True(Merge("""{ "share": true }""", [], []).IsOn(Settings.Share));
        Assert.False(Merge("""{ "share": true }""", [], new() { [Settings.Share] = ["false"] }).IsOn(Settings.Share));
        Assert.True(Merge("""{ "share": false }""", [], new() { [Settings.Share] = [] }).IsOn(Settings.Share));
    }

    [Fact]
    public void Merge_WrongValueThatAnotherWinsOver_DoesNotMatter() =>
        Assert.Equal(1m, Merge("""{ "price": "much" }""", [], new() { [Settings.Price] = ["1"] }).Find(Settings.Price));

    [Theory]
    [InlineData("price", "-0.01", "1000000")]
    [InlineData("price", "1000000.01", "1000000")]
    [InlineData("price", "0,05", "1000000")]
    [InlineData("price", "NaN", "1000000")]
    [InlineData("maxPrice", "1e3", "1000000")]
    [InlineData("allowPort", "0", "65535")]
    [InlineData("allowPort", "65536", "65535")]
    [InlineData("allowPort", "+80", "65535")]
    [InlineData("region", "DEU", "ISO 3166-1")]
    [InlineData("witnessTarget", "203.0.113.7", "203.0.113.7:443")]
    [InlineData("witnessTarget", "203.0.113.7:0", "203.0.113.7:443")]
    [InlineData("region", "D1", "ISO 3166-1")]
    [InlineData("listen", "127.0.0.1:4001", "multiaddr")]
    [InlineData("provider", "/ip4/203.0.113.7/tcp/4001", "/p2p/")]
    [InlineData("socks", "1080", "HOST:PORT|127.0.0.1:1080")]
    [InlineData("socks", "::1:1080", "[::1]:1080")]
    [InlineData("socks", "[127.0.0.1:1080", "[::1]:1080")]
    [InlineData("socks", "example.org:1080", "127.0.0.1:1080")]
    [InlineData("socks", "127.0.0.1:65536", "65535")]
    [InlineData("httpProxy", "127.0.0.1:", "65535")]
    [InlineData("share", "yes", "true or false")]
    [InlineData("data", "", "folder")]
    public void Merge_ValueThatIsNotAllowed_NamesTheOptionAndWhatIs(string key, string text, string allowed)
    {
        Setting setting = Settings.All.Single(s => s.Key == key);

        var byFlag = Assert.Throws<UsageException>(() => Merge("{}", [], new() { [setting] = [text] }));
        var byFile = Assert.Throws<UsageException>(() => Merge($$"""{ "{{key}}": "{{text}}" }""", [], []));

        Assert.StartsWith(setting.Flag, byFlag.Message, StringComparison.Ordinal);
        Assert.Contains($"'{key}' in node.json", byFile.Message, StringComparison.Ordinal);
        foreach (UsageException error in new[] { byFlag, byFile }) Assert.Contains(allowed.Split('|')[^1], error.Message, StringComparison.Ordinal);
        if (text.Length == 0) return;
        var byVariable = Assert.Throws<UsageException>(() => Merge("{}", new() { [setting.Variable] = text }, []));
        Assert.StartsWith(setting.Variable, byVariable.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:1080", "127.0.0.1:1080")]
    [InlineData("localhost:0", "127.0.0.1:0")]
    [InlineData("[::1]:65535", "[::1]:65535")]
    [InlineData("0.0.0.0:8080", "0.0.0.0:8080")]
    public void Merge_EndPoint_IsRead(string text, string expected) =>
        Assert.Equal(expected, Merge("{}", [], new() { [Settings.Socks] = [text] }).FindObject(Settings.Socks)!.ToString());

    [Fact]
    public void Merge_ProviderList_KeepsItsOrder() =>
        Assert.Equal([Peer, Peer.Replace("4001", "4002", StringComparison.Ordinal)],
            Merge("{}", [], new() { [Settings.Provider] = [Peer, Peer.Replace("4001", "4002", StringComparison.Ordinal)] }).Get(Settings.Provider).Select(a => a.ToString()));

    [Fact]
    public void Settings_ThreeSpellings_AreOneName()
    {
        Assert.Equal(("--http-proxy", "httpProxy", "OVERLAY_HTTP_PROXY"), (Settings.HttpProxy.Flag, Settings.HttpProxy.Key, Settings.HttpProxy.Variable));
        Assert.Equal(Settings.All.Count, Settings.All.Select(setting => setting.Key).Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [Fact]
    public void FindStrangers_MisspeltVariable_IsToldWithTheNearest()
    {
        var variables = new Dictionary<string, string> { ["OVERLAY_PRCE"] = "1", ["OVERLAY_PRICE"] = "1", ["OVERLAY_CONFIG"] = "f", ["PATH"] = "/bin" };

        Assert.Equal([("OVERLAY_PRCE", "OVERLAY_PRICE")], SettingValues.FindStrangers(variables));
    }

    private static SettingValues Merge(string file, Dictionary<string, string> variables, Dictionary<Setting, IReadOnlyList<string>> flags) =>
        SettingValues.Merge(ConfigurationFile.Parse("node.json", Encoding.UTF8.GetBytes(file)), variables, flags);
}
