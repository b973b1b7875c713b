using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Proofs.Receipts;
using Overlay.Sharing;
using Overlay.TestKit;
using Overlay.Tests.Hosting;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Sharing;

public sealed class ConsentTests : IDisposable
{
    private static readonly string[] s_loopback = ["/ip4/127.0.0.1/tcp/0"];

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 30, 8, 0, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("overlay-consent-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => _folder.FullName;

    private string Record => Path.Combine(Data, "consent");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Start_WithoutConsent_SharesNothingAndSaysWhatToDo()
    {
        foreach (string? folder in new[] { null, Data })
        {
            var error = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(new SharingOptions(), folder));

            Assert.Equal(OverlayError.NoConsent, error.Reason);
            Assert.Contains("SharingConsent.AskAsync", error.Message, StringComparison.Ordinal);
            Assert.Contains("overlay consent give", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Start_OwnerDeclines_SharesNothing()
    {
        var error = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(new SharingOptions { AskConsent = Consents.No }, null));

        Assert.Equal(OverlayError.NoConsent, error.Reason);
        Assert.Null(await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.No, _time, Token));
        Assert.False(File.Exists(Record));
    }

    [Fact]
    public async Task Ask_Yes_StoresASignedRecordOfTheVeryTextForTheOwnerAlone()
    {
        ConsentText? shown = null;
        var sharing = new SharingOptions { Region = "DE", AllowedPorts = [443, 80, new PortRange(8000, 8010), 25] };
        SharingConsent? given = await SharingConsent.AskAsync(
            Data, sharing,
            (text, _) =>
            {
                shown = text;
                return ValueTask.FromResult(text.Accept("Ada, by hand"));
            },
            _time, Token);

        Assert.NotNull(given);
        Assert.True(given.IsInForce);
        Assert.Equal("Ada, by hand", given.GivenBy);
        Assert.Equal(_time.GetUtcNow(), given.GivenAt);
        Assert.Equal(["25", "80", "443", "8000-8010"], given.Ports.Select(range => range.ToString()));
        Assert.Contains("25, 80, 443, 8000-8010", shown!.Text, StringComparison.Ordinal);
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(shown.Text)), given.TextHash.Bytes.ToArray());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Record));
        SharingConsent? found = SharingConsent.Find(Data);
        Assert.Equal(given.Encoded, found!.Encoded);
        Assert.Equal(given.Encoded, await File.ReadAllBytesAsync(Record, Token));
    }

    [Fact]
    public async Task Ask_AConsentThatAllowsItIsThere_AsksNobody()
    {
        SharingConsent? first = await SharingConsent.AskAsync(Data, new SharingOptions { AllowedPorts = [80, 443, 8080] }, Consents.Yes, _time, Token);

        SharingConsent? second = await SharingConsent.AskAsync(Data, new SharingOptions { AllowedPorts = [443] }, Consents.No, _time, Token);

        Assert.Equal(first!.Encoded, second!.Encoded);
    }

    [Fact]
    public async Task Ask_AnswerToAnotherText_IsNone()
    {
        ConsentAnswer? kept = null;
        await SharingConsent.AskAsync(
            Data, new SharingOptions(),
            (text, _) =>
            {
                kept = text.Accept("a program");
                return ValueTask.FromResult(text.Decline());
            },
            _time, Token);

        await Assert.ThrowsAsync<OverlayException>(() => SharingConsent.AskAsync(Data, new SharingOptions { AllowedPorts = [1] }, (_, _) =>
            ValueTask.FromResult(kept!), _time, Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\nb")]
    public void Accept_NameThatSaysNothing_IsRefused(string name) => Assert.Throws<ArgumentException>(() => ConsentText.Of(new SharingOptions()).Accept(name));

    [Fact]
    public async Task Start_ConsentForLess_NamesWhatIsMissing()
    {
        SharingConsent? consent = await SharingConsent.AskAsync(Data, new SharingOptions { Region = "DE" }, Consents.Yes, _time, Token);
        (SharingOptions Sharing, string Named)[] more =
        [
            (new SharingOptions { Region = "FR" }, "FR"),
            (new SharingOptions { Region = "DE", AllowedPorts = [80, 8080] }, "8080"),
            (new SharingOptions { Region = "DE", AllowPrivateTargets = true }, "own networks"),
        ];
        foreach ((SharingOptions sharing, string named) in more)
        {
            var error = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(sharing with { Consent = consent }, Data));

            Assert.Equal(OverlayError.NoConsent, error.Reason);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Start_ConsentOfAnotherNode_IsNone()
    {
        // What a program would do that brought a consent along: the file of one machine, on another.
        string elsewhere = Path.Combine(Data, "elsewhere"), here = Path.Combine(Data, "here");
        SharingConsent? foreign = await SharingConsent.AskAsync(elsewhere, new SharingOptions(), Consents.Yes, _time, Token);
        Directory.CreateDirectory(here);
        File.Copy(Path.Combine(elsewhere, "consent"), Path.Combine(here, "consent"));

        var copied = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(new SharingOptions { Consent = foreign }, here));
        var inMemory = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(new SharingOptions { Consent = foreign }, null));

        Assert.Equal((OverlayError.NoConsent, OverlayError.NoConsent), (copied.Reason, inMemory.Reason));
    }

    [Fact]
    public async Task Start_WithConsent_SaysSoInTheLogAndShowsIt()
    {
        var log = new FakeLogCollector();
        SharingConsent? consent = await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token);
        await using OverlayNode node = await StartAsync(new SharingOptions { Consent = consent }, Data, log);

        Assert.Equal(consent!.Encoded, node.Sharing!.Consent.Encoded);
        Assert.False(node.Sharing.Ended.IsCompleted);
        FakeLogRecord record = Assert.Single(log.GetSnapshot(), record => record.Id.Id == 3010);
        Assert.Contains("a test", record.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Withdraw_WhileATransferRuns_CutsItAndServesNobodyAnyMoreNotEvenAfterARestart()
    {
        await using var origin = new TinyOrigin { Endless = true };
        var sharing = new SharingOptions { PricePerGiB = 0.05m, AllowedPorts = [origin.Port], AllowPrivateTargets = true };
        SharingConsent? consent = await SharingConsent.AskAsync(Data, sharing, Consents.Yes, _time, Token);
        sharing = sharing with { Consent = consent };
        await using (OverlayNode provider = await StartAsync(sharing, Data))
        {
            await using OverlayNode consumer = await OverlayNode.StartAsync(new OverlayOptions { Providers = [provider.Addresses[0].ToString()] }, null, Token);
            await using IAsyncEnumerator<Receipt> receipts = provider.Ledger.WatchAsync(Token).GetAsyncEnumerator(Token);
            ValueTask<bool> receipt = receipts.MoveNextAsync();
            await using Stream open = await consumer.ConnectAsync("127.0.0.1", origin.Port, null, Token);
            await open.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
            byte[] buffer = new byte[4096];
            Assert.NotEqual(0, await open.ReadAsync(buffer, Token));

            await provider.Sharing!.WithdrawConsentAsync();

            Assert.True(provider.Sharing.Ended.IsCompleted);
            Assert.NotNull(provider.Sharing.Consent.WithdrawnAt);
            Assert.Empty(provider.Sharing.Sessions);
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                while (await open.ReadAsync(buffer, Token) > 0)
                {
                    // What was on the way.
                }

                throw new EndOfStreamException();
            });
            // Paid to the end: the last receipt was asked for behind the cut.
            Assert.True(await receipt);
            await Assert.ThrowsAnyAsync<IOException>(() => consumer.ConnectAsync("127.0.0.1", origin.Port, null, Token));
        }

        Assert.NotNull(SharingConsent.Find(Data)!.WithdrawnAt);
        var error = await Assert.ThrowsAsync<OverlayException>(() => StartAsync(sharing, Data));
        Assert.Contains("withdrawn", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Withdraw_ByAnotherProgram_EndsSharingAtTheNextLook(bool removed)
    {
        SharingConsent? consent = await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token);
        using PeerIdentity identity = PeerIdentityFile.Load(Path.Combine(Data, "identity.key"));
        var log = new FakeLogger();
        ConsentKeeper keeper = await ConsentKeeper.OpenAsync(new SharingOptions { Consent = consent }, Data, new IdentitySigner(identity), _time, log, Token);
        int ends = 0;
        keeper.Start(() =>
        {
            ends++;
            return Task.CompletedTask;
        });
        if (removed) File.Delete(Record);
        else SharingConsent.Withdraw(Data, _time);

        // The loop may not wait for its first tick yet.
        await Patience.UntilAsync(() => keeper.Ended.IsCompleted, Token, () => _time.Advance(ConsentKeeper.Interval));

        await keeper.DisposeAsync();
        Assert.Equal(1, ends);
        Assert.False(keeper.Consent.IsInForce);
        Assert.Contains(log.Collector.GetSnapshot(), record => record.Id.Id == 3011);
    }

    [Fact]
    public async Task Consent_GivenAnewAfterSharingHasEnded_IsNotInForceBeforeTheNextStart()
    {
        SharingConsent? consent = await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token);
        using PeerIdentity identity = PeerIdentityFile.Load(Path.Combine(Data, "identity.key"));
        await using ConsentKeeper keeper = await ConsentKeeper.OpenAsync(new SharingOptions { Consent = consent }, Data, new IdentitySigner(identity), _time,
            new FakeLogger(), Token);
        keeper.Start(() => Task.CompletedTask);
        await keeper.WithdrawAsync();
        Assert.True((await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token))!.IsInForce);

        await keeper.LookAsync();

        Assert.True(keeper.Ended.IsCompleted);
        Assert.False(keeper.Consent.IsInForce);
    }

    [Fact]
    public async Task TryOpen_EveryByteChangedAndEveryLengthCut_IsRefused()
    {
        byte[] record = (await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token))!.Encoded;
        PublicKey node = SharingConsent.Find(Data)!.Node;

        Assert.True(SharingConsent.TryOpen(record, node, out _));
        for (int i = 0; i < record.Length; i++)
        {
            byte[] changed = [.. record];
            changed[i] ^= 1;
            Assert.False(SharingConsent.TryOpen(changed, node, out _));
            Assert.False(SharingConsent.TryOpen(record.AsSpan(0, i), node, out _));
        }
    }

    [Fact]
    public async Task Find_DamagedOrOversizeRecord_IsAnErrorAndNoConsent()
    {
        await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token);
        await File.WriteAllBytesAsync(Record, new byte[100], Token);
        Assert.Equal(OverlayError.NoConsent, Assert.Throws<OverlayException>(() => SharingConsent.Find(Data)).Reason);
        await File.WriteAllBytesAsync(Record, new byte[1 << 20], Token);
        Assert.Equal(OverlayError.DataDirectory, Assert.Throws<OverlayException>(() => SharingConsent.Find(Data)).Reason);
    }

    [Fact]
    public async Task Withdraw_NoneOrTwice_ChangesNothing()
    {
        Assert.Null(SharingConsent.Withdraw(Data, _time));
        await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token);
        SharingConsent? first = SharingConsent.Withdraw(Data, _time);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(first!.WithdrawnAt, SharingConsent.Withdraw(Data, _time)!.WithdrawnAt);
        // Given anew, it stands again.
        Assert.True((await SharingConsent.AskAsync(Data, new SharingOptions(), Consents.Yes, _time, Token))!.IsInForce);
    }

    private static Task<OverlayNode> StartAsync(SharingOptions sharing, string? folder, FakeLogCollector? log = null) => OverlayNode.StartAsync(
        new OverlayOptions
        {
            DataDirectory = folder,
            Listen = s_loopback,
            Sharing = sharing,
            Discovery = new Overlay.Discovery.DiscoveryOptions { Mdns = null }
        },
        log is null ? null : new OverlayServices { LoggerFactory = new OneLog(log) },
        Token);

    private sealed class OneLog(FakeLogCollector log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => new FakeLogger(log);

        public void Dispose()
        {
        }
    }
}
