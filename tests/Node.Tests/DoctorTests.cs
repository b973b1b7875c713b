using System.Net;
using System.Net.Sockets;
using Overlay.Discovery.Reachability;
using Overlay.Node.Doctor;
using Overlay.Transport.Identity;

namespace Overlay.Node.Tests;

public sealed class DoctorTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 30, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Doctor_NodeThatDoesNotShareAndFindsNobody_NamesBothWithTheirRemediesAndEndsWithOne()
    {
        using var folder = new TemporaryFolder();

        CliRun run = await CliRun.OfAsync(
            "doctor", "--json", "--data", folder.File("data"), "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--time-server", "none", "--wait", "1");

        Assert.Equal(1, run.ExitCode);
        Dictionary<string, System.Text.Json.JsonElement> findings = run.Json.ToDictionary(finding => finding.GetProperty("check").GetString()!);
        Assert.All(["sharing", "peers"], check =>
        {
            Assert.Equal("bad", findings[check].GetProperty("health").GetString());
            Assert.False(string.IsNullOrEmpty(findings[check].GetProperty("remedy").GetString()));
        });
        Assert.Equal("good", findings["disk"].GetProperty("health").GetString());
        Assert.False(Directory.Exists(folder.File("data")));
    }

    [Fact]
    public async Task Doctor_PortTaken_SaysSo()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        CliRun run = await CliRun.OfAsync(
            "doctor", "--json", "--data", folder.Path, "--listen", $"/ip4/127.0.0.1/tcp/{((IPEndPoint)other.LocalEndpoint).Port}", "--no-mdns", "--time-server", "none");

        Assert.Equal("bad", run.Json.Single(finding => finding.GetProperty("check").GetString() == "listening").GetProperty("health").GetString());
    }

    [Fact]
    public void Key_ReadableByOthers_IsBad()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such file modes");
            return;
        }

        using var folder = new TemporaryFolder();
        string file = folder.Write("identity.key", "secret");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);

        Assert.Equal(Health.Bad, HostChecks.Key(folder.Path).Health);

        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        Assert.Equal(Health.Good, HostChecks.Key(folder.Path).Health);
    }

    [Fact]
    public async Task Ledger_Damaged_IsBadAndTheRemedySetsItAside()
    {
        using var folder = new TemporaryFolder();
        folder.Write("ledger.db", "this is no ledger, nor is it SQLite");

        Finding finding = await HostChecks.LedgerAsync(folder.Path, TestContext.Current.CancellationToken);

        Assert.Equal(Health.Bad, finding.Health);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-4, 1)]
    [InlineData(30, 2)]
    [InlineData(-3600, 3)]
    public void Clock_Off_IsWorseTheMoreItIs(int seconds, int health) => Assert.Equal((Health)health, HostChecks.Clock(TimeSpan.FromSeconds(seconds)).Health);

    [Theory]
    [InlineData(90.5)]
    [InlineData(-12.25)]
    [InlineData(0)]
    public void NetworkTime_Answer_TellsTheOffsetWhateverTheWayTakes(double offset)
    {
        TimeSpan off = TimeSpan.FromSeconds(offset), way = TimeSpan.FromMilliseconds(80);
        byte[] question = new byte[48], answer = new byte[48];
        NetworkTime.Write(question.AsSpan(40), s_now);
        (answer[0], answer[1]) = (0x24, 2);
        question.AsSpan(40, 8).CopyTo(answer.AsSpan(24));
        NetworkTime.Write(answer.AsSpan(32), s_now + way + off);
        NetworkTime.Write(answer.AsSpan(40), s_now + way + off);

        TimeSpan? read = NetworkTime.Read(question, answer, s_now, s_now + (2 * way));

        Assert.NotNull(read);
        Assert.InRange((read.Value - off).Duration(), TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Theory]
    [InlineData(10, 0, "short")]
    [InlineData(48, 0, "not a server's")]
    [InlineData(48, 0x24, "answers another question")]
    public void NetworkTime_NoAnswer_TellsNothing(int size, byte first, string why)
    {
        byte[] question = new byte[48], answer = new byte[size];
        NetworkTime.Write(question.AsSpan(40), s_now);
        (answer[0], answer[1]) = (first, 1);

        Assert.True(NetworkTime.Read(question, answer, s_now, s_now) is null, why);
    }

    [Fact]
    public void Reachability_OfANodeBehindARouter_IsBadAndSaysWhatToForward()
    {
        Finding finding = NodeChecks.Reachability(new ReachabilityReport(ReachabilityVerdict.Private, [], [Multiaddr.Parse("/ip4/203.0.113.7/tcp/4001")]), []);

        Assert.Equal(Health.Bad, finding.Health);
        Assert.Contains("router", finding.Remedy, StringComparison.Ordinal);
    }
}
