using System.Net;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.TestKit;

namespace Overlay.Tests.Sharing;

public sealed class TargetListTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("overlay-lists-");
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _log = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Read_EveryForm_RefusesNamesWithAllBelowThemAndNetworks()
    {
        TargetList list = TargetList.Read([Write(
            "list",
            """
            # a comment
            example.com   # another
            *.ads.example
            .tracker.example
            UPPER.Example.
            bücher.example
            0.0.0.0 hosts.example www.hosts.example
            127.0.0.1 localhost localhost.localdomain broadcasthost
            ::1 ip6-localhost
            fe80::1%lo0 localhost
            192.0.2.7
            198.51.100.77/24
            2001:db8:5::/48

            """)]);

        Assert.All(["example.com", "www.example.com", "a.b.example.com", "ads.example", "x.ads.example", "tracker.example", "upper.example",
            "xn--bcher-kva.example", "hosts.example"], name => Assert.True(list.ContainsName(name), name));
        Assert.All(["example.org", "notexample.com", "com", "example", "localhost", "a.localhost", "ample.com"], name => Assert.False(list.ContainsName(name),
            name));
        Assert.All(["192.0.2.7", "198.51.100.0", "198.51.100.255", "2001:db8:5::", "2001:db8:5:ffff::1"], address =>
            Assert.True(list.ContainsAddress(IPAddress.Parse(address)), address));
        Assert.All(["192.0.2.6", "192.0.2.8", "198.51.99.255", "198.51.101.0", "2001:db8:6::", "127.0.0.1", "::ffff:192.0.2.7"], address =>
            Assert.False(list.ContainsAddress(IPAddress.Parse(address)), address));
    }

    [Theory]
    [InlineData("exa mple.com")]
    [InlineData("http://example.com/")]
    [InlineData("||example.com^")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2/24")]
    [InlineData("0x7f.1")]
    [InlineData("2001:db8::/129")]
    [InlineData("-a.example")]
    [InlineData("a..example")]
    [InlineData("0.0.0.0 bad_name! x")]
    [InlineData("*")]
    [InlineData(".")]
    public void Read_DamagedLine_IsNamedByItsNumber(string line)
    {
        var error = Assert.Throws<TargetListException>(() => TargetList.Read([Write("list", $"example.com\n\n{line}\nexample.org\n")]));

        Assert.Contains("line 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TextThatIsNotUtf8OrLinesWithoutEnd_IsAnError()
    {
        string path = Write("list", "");
        File.WriteAllBytes(path, [0x61, 0xff, 0xfe, 0x0a]);
        Assert.Throws<TargetListException>(() => TargetList.Read([path]));
        File.WriteAllText(path, new string('a', TargetList.MaxLineLength + 1));
        Assert.Contains("line 1", Assert.Throws<TargetListException>(() => TargetList.Read([path])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LinkToAFileThatIsTooLarge_IsAnError()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        string large = Write("large", ""), link = Path.Combine(_folder.FullName, "link");
        using (FileStream file = File.OpenWrite(large)) file.SetLength(TargetList.MaxFileSize + 1);
        File.CreateSymbolicLink(link, large);

        Assert.Contains("bytes", Assert.Throws<TargetListException>(() => TargetList.Read([link])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranges_OverlappingAndNested_AreSearchedAsOne()
    {
        string[] networks = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "9.255.255.0/24", "::/0", "ffff::/16"];
        var all = new AddressRanges(networks.Select(network => IPNetwork.Parse(network)));
        Assert.True(all.Contains(IPAddress.Parse("255.255.255.255")));
        Assert.True(all.Contains(IPAddress.IPv6None));
        Assert.False(new AddressRanges([]).Contains(IPAddress.Any));
    }

    [Fact]
    public async Task Open_DamagedListAtTheStart_KeepsTheNodeFromSharing()
    {
        var error = Assert.Throws<OverlayException>(() => TargetLists.Open([Write("list", "?")], [], _time, _log));
        Assert.Equal(OverlayError.TargetList, error.Reason);
        Assert.Contains("line 1", error.Message, StringComparison.Ordinal);

        var whole = await Assert.ThrowsAsync<OverlayException>(() => OverlayNode.StartAsync(
            new OverlayOptions { Sharing = new SharingOptions { AskConsent = Consents.Yes, BlockLists = [Path.Combine(_folder.FullName, "missing")] } }, null,
                Token));
        Assert.Equal(OverlayError.TargetList, whole.Reason);
    }

    [Fact]
    public async Task Connect_BlockedNameOrAnswer_IsRefusedAndTheNameNotLookedUp()
    {
        await using TargetLists lists = TargetLists.Open([Write("list", "blocked.example\n93.184.216.0/24")], [], _time, _log);
        var resolver = new ScriptedResolver(["93.184.215.14", "93.184.216.1"]);
        var dialer = new RecordingDialer();
        Exit exit = Create(lists, resolver, dialer);

        await RefusedAsync(exit, "www.blocked.example");
        Assert.Empty(resolver.Asked);
        // One answer in a refused network is enough.
        await RefusedAsync(exit, "mixed.example");
        await RefusedAsync(exit, "93.184.216.200");
        Assert.Empty(dialer.Dialled);
        // The owner's taste is nothing that a consumer could know: it is no search for open doors.
        for (int i = 0; i < 200; i++) await RefusedAsync(exit, "www.blocked.example");
        (await exit.ConnectAsync("93.184.215.14", 80, Token)).Dispose();
    }

    [Fact]
    public async Task Connect_AllowList_ReachesNothingElseAndOpensNothingForbidden()
    {
        await using TargetLists lists = TargetLists.Open([Write("block", "bad.good.example")], [Write("allow",
            "good.example\nprivate.example\n93.184.216.0/24\n10.0.0.0/8")], _time, _log);
        var answers = new Dictionary<string, string>
        {
            ["www.good.example."] = "93.184.215.14",
            ["private.example."] = "10.0.0.1",
            ["other.example."] = "93.184.215.14",
            ["inside.example."] = "93.184.216.9",
            ["bad.good.example."] = "93.184.216.9",
        };
        var resolver = new ScriptedResolver { Answer = (name, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(answers[name])]) };
        Exit exit = Create(lists, resolver, new RecordingDialer());

        (await exit.ConnectAsync("www.good.example", 80, Token)).Dispose();
        (await exit.ConnectAsync("inside.example", 80, Token)).Dispose();
        (await exit.ConnectAsync("93.184.216.9", 80, Token)).Dispose();
        await RefusedAsync(exit, "other.example");
        await RefusedAsync(exit, "93.184.215.14");
        await RefusedAsync(exit, "bad.good.example");
        await RefusedAsync(exit, "private.example");
        await RefusedAsync(exit, "10.0.0.1");
    }

    [Fact]
    public async Task Change_OfAFile_IsReadAnewAndADamagedOneKeepsTheListBefore()
    {
        string path = Write("list", "one.example");
        await using TargetLists lists = TargetLists.Open([path], [], _time, _log);
        lists.Start();
        Assert.False(lists.CheckName("one.example").IsAllowed);

        Write("list", "one.example\ntwo.example");
        await AdvanceUntilAsync(() => !lists.CheckName("two.example").IsAllowed);

        Write("list", "three.example\n!!!");
        await AdvanceUntilAsync(() => _log.Collector.GetSnapshot().Any(record => record.Id.Id == 3005 && record.Message.Contains("line 2",
            StringComparison.Ordinal)));
        Assert.False(lists.CheckName("two.example").IsAllowed);
        Assert.True(lists.CheckName("three.example").IsAllowed);

        File.Delete(path);
        await AdvanceUntilAsync(() => _log.Collector.GetSnapshot().Count(record => record.Id.Id == 3005) == 2);
        Assert.False(lists.CheckName("two.example").IsAllowed);
    }

    private Task AdvanceUntilAsync(Func<bool> done) => Patience.UntilAsync(done, Token, () => _time.Advance(TargetLists.Interval));

    private Exit Create(TargetLists lists, ScriptedResolver resolver, RecordingDialer dialer) =>
        new(new ExitOptions(), resolver, dialer, new FixedAddresses(), _time, _log, null, lists);

    private static async Task RefusedAsync(Exit exit, string host) =>
        Assert.Equal(ConnectCode.Policy, (await Assert.ThrowsAsync<ConnectRefusedException>(() => exit.ConnectAsync(host, 80, Token).AsTask())).Code);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
