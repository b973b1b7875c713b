using System.Text;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.TestKit;
using Overlay.Tests.Hosting;

namespace Overlay.Tests.Sharing;

public sealed class BlockedConsumerTests : IDisposable
{
    private static readonly PublicKey s_one = Key(1), s_two = Key(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("overlay-blocks-");
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Lists_AddedAndRemoved_StayOnDisk()
    {
        Assert.Empty(BlockedConsumers.Read(Data));
        Assert.True(BlockedConsumers.Add(Data, s_one));
        Assert.False(BlockedConsumers.Add(Data, s_one));
        Assert.True(BlockedConsumers.Add(Data, s_two));
        Assert.Equal([s_one, s_two], BlockedConsumers.Read(Data).Order());
        Assert.True(BlockedConsumers.Remove(Data, s_one));
        Assert.False(BlockedConsumers.Remove(Data, s_one));
        Assert.Equal([s_two], BlockedConsumers.Read(Data));
    }

    [Fact]
    public void Read_DamagedLine_IsNamed()
    {
        File.WriteAllText(Path.Combine(Data, "blocked-consumers"), $"# mine\n{s_one}\nnobody\n");

        Assert.Contains("line 3", Assert.Throws<OverlayException>(() => BlockedConsumers.Read(Data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_ChangedFromTwoSidesAtOnce_LoseNothing()
    {
        PublicKey[] keys = [.. Enumerable.Range(1, 40).Select(i => Key((byte)i))];
        await Task.WhenAll(keys.Chunk(20).Select(half => Task.Run(() =>
        {
            foreach (PublicKey key in half) BlockedConsumers.Add(Data, key);
        }, Token)));

        Assert.Equal(keys, BlockedConsumers.Read(Data).Order());
    }

    [Fact]
    public async Task Running_BlockThatCannotBeWritten_HoldsUntilTheEndOfTheRunAndIsWrittenWithTheNext()
    {
        var ending = new TaskCompletionSource();
        await using var blocks = new ConsumerBlocks(Data, _time, new FakeLogger()) { Blocked = key => key == s_one ? ending.Task : Task.CompletedTask };
        // Nobody can take the lock where a folder stands in its place.
        DirectoryInfo obstacle = Directory.CreateDirectory(Path.Combine(Data, "blocked-consumers.lock"));
        Task blocking = blocks.BlockAsync(s_one);
        // Also then the sessions' end is waited for.
        Assert.False(blocking.IsCompleted);
        ending.SetResult();
        await Assert.ThrowsAsync<OverlayException>(() => blocking);

        File.WriteAllText(Path.Combine(Data, "blocked-consumers"), $"{s_two}\n");
        blocks.Start();
        await AdvanceUntilAsync(() => blocks.Contains(s_two));
        Assert.True(blocks.Contains(s_one));
        Assert.Equal([s_one, s_two], blocks.Keys.Order());

        obstacle.Delete();
        await blocks.BlockAsync(Key(3));
        Assert.Equal([s_one, s_two, Key(3)], BlockedConsumers.Read(Data).Order());
        Assert.True(blocks.Unblock(s_one));
        Assert.False(blocks.Contains(s_one));
    }

    [Fact]
    public async Task Running_ListThatVanishes_LetsNobodyInAndIsWrittenWholeAgain()
    {
        var log = new FakeLogger();
        BlockedConsumers.Add(Data, s_one);
        await using var blocks = new ConsumerBlocks(Data, _time, log);
        blocks.Start();
        File.Delete(Path.Combine(Data, "blocked-consumers"));
        await AdvanceUntilAsync(() => log.Collector.GetSnapshot().Any(record => record.Id.Id == 3005));
        Assert.True(blocks.Contains(s_one));

        await blocks.BlockAsync(s_two);

        Assert.Equal([s_one, s_two], BlockedConsumers.Read(Data).Order());
    }

    [Fact]
    public async Task Running_SessionsThatTakeLongToEnd_DelayNoOtherBlock()
    {
        var ending = new TaskCompletionSource();
        var blocks = new ConsumerBlocks(Data, _time, new FakeLogger()) { Blocked = _ => ending.Task };
        blocks.Start();
        BlockedConsumers.Add(Data, s_one);
        await AdvanceUntilAsync(() => blocks.Contains(s_one));
        BlockedConsumers.Add(Data, s_two);
        await AdvanceUntilAsync(() => blocks.Contains(s_two));

        Task disposing = blocks.DisposeAsync().AsTask();
        ending.SetResult();
        await disposing;
    }

    [Fact]
    public async Task Running_ListChangedByAnotherProgram_EndsThatConsumer()
    {
        var log = new FakeLogger();
        var ended = new List<PublicKey>();
        await using var blocks = new ConsumerBlocks(Data, _time, log)
        {
            Blocked = key =>
            {
                ended.Add(key);
                return Task.CompletedTask;
            },
        };
        blocks.Start();
        BlockedConsumers.Add(Data, s_one);
        await AdvanceUntilAsync(() => blocks.Contains(s_one));

        File.WriteAllText(Path.Combine(Data, "blocked-consumers"), "nobody\n");
        await AdvanceUntilAsync(() => log.Collector.GetSnapshot().Any(record => record.Id.Id == 3005));
        Assert.True(blocks.Contains(s_one));
        Assert.Equal([s_one], ended);
    }

    [Fact]
    public async Task Block_WhileATransferRuns_CutsItAndOpensNoMoreSessionsNotEvenAfterARestart()
    {
        await using var origin = new TinyOrigin { Endless = true };
        var sharing = new SharingOptions { PricePerGiB = 0.05m, AllowedPorts = [origin.Port], AllowPrivateTargets = true, AskConsent = Consents.Yes };
        var options = new OverlayOptions { DataDirectory = Data, Listen = ["/ip4/127.0.0.1/tcp/0"], Sharing = sharing };
        PublicKey key;
        string folder = Path.Combine(Data, "consumer");
        await using (OverlayNode provider = await OverlayNode.StartAsync(options, null, Token))
        {
            await using OverlayNode consumer = await OverlayNode.StartAsync(new OverlayOptions
            {
                DataDirectory = folder,
                Providers = [provider.Addresses[0].ToString()]
            }, null, Token);
            await using Stream open = await consumer.ConnectAsync("127.0.0.1", origin.Port, null, Token);
            await open.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
            byte[] buffer = new byte[4096];
            Assert.NotEqual(0, await open.ReadAsync(buffer, Token));
            key = Assert.Single(provider.Sharing!.Sessions).Consumer;

            await provider.Sharing.BlockConsumerAsync(key);

            Assert.Empty(provider.Sharing.Sessions);
            Assert.Equal([key], provider.Sharing.BlockedConsumers);
            await AssertRefusedAsync(consumer, origin.Port);
            // What there is to show about it stays, and nobody else's with it.
            Assert.Contains(key.ToString(), await ExportAsync(provider, key), StringComparison.Ordinal);
            Assert.Empty(await ExportAsync(provider, s_two));
        }

        await using OverlayNode again = await OverlayNode.StartAsync(options, null, Token);
        await using OverlayNode back = await OverlayNode.StartAsync(new OverlayOptions
        {
            DataDirectory = folder,
            Providers = [again.Addresses[0].ToString()]
        }, null, Token);
        await AssertRefusedAsync(back, origin.Port);
        Assert.True(again.Sharing!.UnblockConsumer(key));
        await using Stream served = await back.ConnectAsync("127.0.0.1", origin.Port, null, Token);
    }

    private Task AdvanceUntilAsync(Func<bool> done) => Patience.UntilAsync(done, Token, () => _time.Advance(ConsumerBlocks.Interval));

    private static async Task AssertRefusedAsync(OverlayNode consumer, int port)
    {
        var refused = await Assert.ThrowsAsync<OverlayException>(() => consumer.ConnectAsync("127.0.0.1", port, null, Token));
        Assert.Equal(SessionError.Blocked, Assert.IsType<SessionException>(refused.InnerException).Reason);
    }

    private static async Task<string> ExportAsync(OverlayNode node, PublicKey consumer)
    {
        using var text = new MemoryStream();
        await LedgerExport.WriteAsync(node.Ledger.Store, text, LedgerExportContent.WithoutBlindings, consumer, Token);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static PublicKey Key(byte first) => new([first, .. new byte[PublicKey.Size - 1]]);
}
