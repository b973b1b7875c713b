using System.Text;
using Overlay.Sharing.Limits;

namespace Overlay.Tests.Sharing.Limits;

public class OwnerLimitsTests
{
    private static OwnerLimits All => new()
    {
        MaxUpload = BitRate.FromMegabits(20),
        MaxDownload = new BitRate(64_000),
        DailyQuota = ByteSize.FromGibibytes(10),
        MonthlyQuota = ByteSize.FromGibibytes(100),
        ResetDay = 15,
        Hibernate = true,
        Schedule = [ScheduleWindow.Parse("mon-fri 22:00-07:00"), ScheduleWindow.Parse("sat,sun")],
        Yield = false,
        WhenOnBattery = OwnerRule.Yield,
        WhenMetered = OwnerRule.Serve,
        Paused = true,
    };

    [Fact]
    public void Text_AllLimits_AreReadAsTheyAreWritten()
    {
        Assert.Equal(All, LimitsText.Read(LimitsText.Write(All)));
        Assert.Equal(new OwnerLimits(), LimitsText.Read(LimitsText.Write(new OwnerLimits())));
        Assert.Equal(new OwnerLimits(), LimitsText.Read("{}"u8.ToArray()));
        Assert.NotEqual(All, All with { Schedule = [] });
    }

    [Fact]
    public void Text_AsAPersonWritesIt_IsUnderstood() =>
        Assert.Equal(new OwnerLimits { MonthlyQuota = ByteSize.FromGibibytes(500) },
            LimitsText.Read(Encoding.UTF8.GetBytes("\uFEFF{ // a note\n \"monthlyQuota\": \"500GiB\", }")));

    [Theory]
    [InlineData("""{"maxUplaod":1000000}""", "'maxUpload'")]
    [InlineData("""{"MaxUpload":1000000}""", "'maxUpload'")]
    [InlineData("""{"paused":true,"paused":false}""", "twice")]
    [InlineData("""{"paused":1}""", "true or false")]
    [InlineData("""{"pau\nsed":true}""", "no 'pau sed'")]
    [InlineData("{\"resetDay\":[1,\n2]}", "cannot be [1, 2]")]
    [InlineData("""{"maxUpload":"20 Mbit/s"}""", "bits in a second")]
    [InlineData("""{"maxUpload":1000}""", "0.064 to 100000 Mbit/s")]
    [InlineData("""{"monthlyQuota":"plenty"}""", "500GiB")]
    [InlineData("""{"dailyQuota":1}""", "1 MiB to 1024 TiB")]
    [InlineData("""{"resetDay":29}""", "1 to 28")]
    [InlineData("""{"resetDay":"first"}""", "1 to 28")]
    [InlineData("""{"schedule":["at night"]}""", "mon-fri 22:00-07:00")]
    [InlineData("""{"schedule":"mon"}""", "up to 64 windows")]
    [InlineData("""{"whenMetered":"maybe"}""", "\"serve\", \"yield\" or \"pause\"")]
    [InlineData("""{"paused":true""", "not JSON: line 1")]
    [InlineData("[]", "one JSON object")]
    [InlineData("", "not JSON")]
    public void Text_NotUnderstood_SaysWhatAndWhatIsAllowed(string text, string named)
    {
        FormatException e = Assert.Throws<FormatException>(() => LimitsText.Read(Encoding.UTF8.GetBytes(text)));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData("{\"pau\\ud800sed\":true}")]
    [InlineData("{\"whenMetered\":\"\\udc00\"}")]
    [InlineData("{\"schedule\":[\"\u00e9\"]}")]
    [InlineData("{\"\u00e9\":1}")]
    public void Text_NotUtf8_SaysSo(string text)
    {
        FormatException e = Assert.Throws<FormatException>(() => LimitsText.Read(Encoding.Latin1.GetBytes(text)));
        Assert.Contains("UTF-8", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_OutOfRange_NamesOptionValueAndRange()
    {
        var rate = Assert.Throws<ArgumentOutOfRangeException>(() => new OwnerLimits { MaxDownload = new BitRate(63_999) });
        Assert.Equal("MaxDownload", rate.ParamName);
        Assert.Contains("0.064 to 100000 Mbit/s", rate.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new OwnerLimits { DailyQuota = new ByteSize((1UL << 50) + 1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new OwnerLimits { ResetDay = 0 });
        Assert.Throws<ArgumentException>(() => new OwnerLimits { Schedule = [.. Enumerable.Repeat(ScheduleWindow.Parse("mon"), 65)] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new OwnerLimits { WhenMetered = (OwnerRule)7 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ScheduleWindow(DaysOfWeek.None, default, default));
    }
}
