using System.Text;
using Overlay.Node.Configuration;

namespace Overlay.Node.Tests;

public sealed class ConfigurationFileTests
{
    [Theory]
    [InlineData("""{ "shaer": true }""", "'shaer'", "'share'")]
    [InlineData("""{ "htpProxy": "127.0.0.1:1" }""", "'htpProxy'", "'httpProxy'")]
    [InlineData("""{ "SHARE": true }""", "'SHARE'", "'share'")]
    [InlineData("""{ "max-price": 1 }""", "'max-price'", "'maxPrice'")]
    [InlineData("""{ "": 1 }""", "''", "nearest")]
    public void Parse_NameThatIsNoSetting_IsRefusedWithTheNearest(string json, string written, string nearest)
    {
        var error = Assert.Throws<UsageException>(() => Parse(json));

        Assert.Contains("node.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(written, error.Message, StringComparison.Ordinal);
        Assert.Contains(nearest, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{ "share": true } {}""")]
    [InlineData("""{ "share": true, "share": false }""")]
    [InlineData("""{ "share": null }""")]
    [InlineData("""{ "price": { "amount": 1 } }""")]
    [InlineData("""{ "price": [1, 2] }""")]
    [InlineData("""{ "allowPort": [[443]] }""")]
    public void Parse_NoObjectOfSettings_IsRefusedInOneLine(string json)
    {
        var error = Assert.Throws<UsageException>(() => Parse(json));

        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Parse_TruncatedAnywhere_IsRefused()
    {
        const string Whole = """{ "share": true, "price": 0.05, "allowPort": [22, 8080], "listen": ["/ip4/127.0.0.1/tcp/0"] }""";
        for (int size = 0; size < Whole.Length; size++) Assert.Throws<UsageException>(() => Parse(Whole[..size]));
        Assert.Equal(4, Parse(Whole).Values.Count);
    }

    [Fact]
    public void Parse_CommentsTrailingCommaAndByteOrderMark_AreTaken()
    {
        ConfigurationFile file = Parse("""
            {
              // what it costs
              "price": 0.05,
            }
            """, byteOrderMark: true);

        Assert.Equal(["0.05"], file.Values[Settings.Price]);
    }

    [Fact]
    public void Parse_EverySetting_IsKnownByItsKey()
    {
        foreach (Setting setting in Settings.All)
            Assert.Equal(["x"], Parse($$"""{ "{{setting.Key}}": "x" }""").Values[setting]);
    }

    [Fact]
    public void Read_MissingFile_IsRefusedWithItsName()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<UsageException>(() => ConfigurationFile.Read(folder.File("none.json")));

        Assert.Contains("none.json", error.Message, StringComparison.Ordinal);
    }

    private static ConfigurationFile Parse(string json, bool byteOrderMark = false) =>
        ConfigurationFile.Parse("node.json", Encoding.UTF8.GetBytes((byteOrderMark ? "\uFEFF" : "") + json));
}
