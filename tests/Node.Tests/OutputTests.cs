using System.Text;
using System.Text.Json;
using CsCheck;
using Overlay.Node.Output;

namespace Overlay.Node.Tests;

public sealed class OutputTests
{
    private const string Hostile = "\e[2Jgone\r\nforged: ok\u202Egnp.exe[red]x[/]\u0007";

    [Fact]
    public void Text_PeersWords_CannotMoveTheCursorForgeALineOrBecomeMarkup()
    {
        using var stream = new MemoryStream();
        var output = new TextOutput(stream, isTerminal: true, wantsColour: true);

        output.Write(new Said(Hostile));
        output.WriteTable([new Column("words")], [new Said(Hostile)]);

        string text = Encoding.UTF8.GetString(stream.ToArray());
        Assert.DoesNotContain("\e[2J", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', text);
        Assert.DoesNotContain('\u0007', text);
        Assert.DoesNotContain("\nforged", text, StringComparison.Ordinal);
        Assert.Contains("[red]x[/]", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_NoTerminal_HasNoEscapeSequencesAndFoldsNoLine()
    {
        using var stream = new MemoryStream();
        var output = new TextOutput(stream, isTerminal: false, wantsColour: true);
        string longWords = new('w', 500);

        output.Write(new Said(longWords));
        output.WriteTable([new Column("words"), new Column("n", IsNumber: true)], [new Said(longWords, "1"), new Said("short", "23")]);

        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain(lines, line => line.Contains('\e', StringComparison.Ordinal));
        Assert.Equal(2, lines.Count(line => line.Contains(longWords, StringComparison.Ordinal)));
        Assert.Equal(4, lines.Length);
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(500, false)]
    public void Text_TableOnATerminal_IsFramedOnlyWhereItFitsAndKeepsItsCellsWhole(int size, bool framed)
    {
        using var stream = new MemoryStream();
        var output = new TextOutput(stream, isTerminal: true, wantsColour: false);
        string words = new('w', size);

        output.WriteTable([new Column("words"), new Column("n", IsNumber: true)], [new Said(words, "1")]);

        string text = Encoding.UTF8.GetString(stream.ToArray());
        Assert.Contains(words, text, StringComparison.Ordinal);
        Assert.Equal(framed, text.Contains('╭', StringComparison.Ordinal) || text.Contains('+', StringComparison.Ordinal));
    }

    [Fact]
    public void Json_HostileWords_AreOneObjectOnOneLine()
    {
        using var stream = new MemoryStream();
        var output = new JsonOutput(stream);

        output.Write(new Said(Hostile));
        output.WriteTable([new Column("words")], [new Said("a"), new Said("b")]);

        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n');
        Assert.Equal("", lines[^1]);
        JsonElement[] said = [.. lines[..^1].Select(line => JsonElement.Parse(line))];
        Assert.Equal([Hostile, "a", "b"], said.Select(element => element.GetProperty("words").GetString()));
        Assert.All(said, element => Assert.Equal("said", element.EnumerateObject().First().Value.GetString()));
    }

    [Fact]
    public void OneLine_AnyText_HasNoControlCharacters() =>
        Gen.String.Sample(text => Assert.DoesNotContain(PlainText.OneLine(text), char.IsControl));

    [Theory]
    [InlineData(0UL, 50_000UL, "0")]
    [InlineData(1UL, 50_000UL, "0.000001")]
    [InlineData(1UL << 30, 50_000UL, "0.05")]
    [InlineData((1UL << 30) + 1, 50_000UL, "0.050001")]
    [InlineData(1UL << 30, 0UL, "0")]
    [InlineData((ulong)long.MaxValue, 1_000_000UL, "8589934592")]
    public void Cost_StartedMicroCredit_CountsWhole(ulong bytes, ulong price, string credits) =>
        Assert.Equal(decimal.Parse(credits, System.Globalization.CultureInfo.InvariantCulture), Units.Cost(bytes, price));

    [Fact]
    public void Time_SecondsOfNoCalendar_StandAsTheNumber()
    {
        Assert.Equal("1970-01-01T00:00:00Z", Units.Time(0));
        Assert.Equal("9223372036854775807", Units.Time(long.MaxValue));
    }

    [Fact]
    public void Rate_NoTimePassed_IsZero()
    {
        Assert.Equal("0.0 Mbit/s", Units.Rate(1000, TimeSpan.Zero));
        Assert.Equal("8.0 Mbit/s", Units.Rate(1_000_000, TimeSpan.FromSeconds(1)));
    }

    private sealed class Said(params string[] words) : IMessage, IRow
    {
        public string Event => "said";

        public IReadOnlyList<string> Cells => words;

        public void WriteJson(Utf8JsonWriter json) => json.WriteString("words"u8, words[0]);

        public void WriteText(TextPage page) => page.Line(words[0]);
    }
}
