using System.IO.Pipelines;
using System.Security.Cryptography;
using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery.Kademlia;

/// <summary>Whole nodes over real hosts and streams.</summary>
public sealed class KademliaDiscoveryTests
{
    private static readonly byte[] s_key = [0x12, 0x20, .. SHA256.HashData("overlay/exit/1/DE"u8)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FindPeer_KnownToOthersOnly_GivesItsAddress()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(5);
        Villager client = await village.AddClientAsync();
        await client.WaitForAsync(1);

        PeerInfo? found = await client.Discovery.FindPeerAsync(village[3].Host.PeerId, Cancellation);

        Assert.NotNull(found);
        Assert.Contains(Multiaddr.Parse("/memory/4"), found.ListenAddresses);
    }

    [Fact]
    public async Task FindPeer_NobodyKnows_IsNull()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(3);
        using var stranger = PeerIdentity.Generate();

        Assert.Null(await village[1].Discovery.FindPeerAsync(stranger.PeerId, Cancellation));
    }

    [Fact]
    public async Task Provide_ThenFindProviders_GivesTheProviderWithItsAddress()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(5);

        int stored = await village[1].Discovery.ProvideAsync(s_key, Cancellation);
        PeerInfo found = await FirstAsync(village[4].Discovery.FindProvidersAsync(s_key, 1, Cancellation));

        Assert.Equal(4, stored);
        Assert.Equal(village[1].Host.PeerId, found.PeerId);
        Assert.Equal([Multiaddr.Parse("/memory/2")], found.ListenAddresses);
    }

    [Fact]
    public async Task PutValue_ThenGet_GivesIt()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(5);
        byte[] key = SignedValue.KeyOf(village[1].Identity.PeerId, "greeting");
        byte[] value = SignedValue.Seal(village[1].Identity, key, 1, "hello"u8);

        int stored = await village[1].Discovery.PutValueAsync(key, value, Cancellation);
        ReadOnlyMemory<byte>? read = await village[3].Discovery.GetValueAsync(key, null, Cancellation);

        Assert.Equal(4, stored);
        Assert.Equal(value, read!.Value.ToArray());
    }

    [Fact]
    public async Task PutValue_NotValidUnderItsKey_IsTheCallersMistake()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(1);

        await Assert.ThrowsAsync<ArgumentException>(() => village[0].Discovery.PutValueAsync("/overlay/x"u8.ToArray(), new byte[] { 1 }, Cancellation));
    }

    [Fact]
    public async Task PutAndGetValue_ValidatorAtWork_HoldsUpNobodyElse()
    {
        var validator = new SlowValidator();
        KademliaOptions options = KademliaVillage.Options with { Validators = new Dictionary<string, IRecordValidator> { ["slow"] = validator } };
        await using KademliaVillage village = await KademliaVillage.StartAsync(0);
        Villager first = await village.AddAsync(options), second = await village.AddAsync(options);
        await second.WaitForAsync(1);
        byte[] key = "/slow/x"u8.ToArray();
        validator.MeanwhileElsewhere = () => _ = first.Discovery.TableCount + second.Discovery.TableCount;

        int stored = await second.Discovery.PutValueAsync(key, new byte[] { 1 }, Cancellation);
        ReadOnlyMemory<byte>? read = await second.Discovery.GetValueAsync(key, 1, Cancellation);

        Assert.Equal(1, stored);
        Assert.Equal([1], read!.Value.ToArray());
        Assert.True(validator.Count >= 2);
        Assert.False(validator.HeldUp);
    }

    /// <summary>Takes everything; does something on another thread meanwhile, which must not have to wait.</summary>
    private sealed class SlowValidator : IRecordValidator
    {
        internal Action MeanwhileElsewhere { get; set; } = () => { };

        internal int Count { get; private set; }

        internal bool HeldUp { get; private set; }

        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            Count++;
            var elsewhere = new Thread(() => MeanwhileElsewhere());
            elsewhere.Start();
            HeldUp |= !elsewhere.Join(TimeSpan.FromSeconds(20));
            return true;
        }

        public int Choose(ReadOnlySpan<byte> key, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => 0;
    }

    [Fact]
    public async Task Client_WhoAsks_IsInNobodysTable()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(3);
        Villager client = await village.AddClientAsync();
        await client.WaitForAsync(3);

        await client.Discovery.FindClosestAsync(s_key, Cancellation);

        Assert.DoesNotContain(client.Host.PeerId, village[0].Learned.Concat(village[1].Learned).Concat(village[2].Learned));
    }

    [Theory]
    [InlineData("ff")]
    [InlineData("0408041200")]
    [InlineData("ffffff7f")]
    [InlineData("02082a")]
    public async Task Stream_RequestThatIsNone_IsResetAndTheNodeServesOn(string hex)
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(2);
        PeerConnection connection = village[0].Host.FindConnection(village[1].Host.PeerId)!;

        await using PeerStream stream = await connection.OpenStreamAsync(KademliaOptions.OverlayProtocol, Cancellation);
        await stream.Output.WriteAsync(Convert.FromHexString(hex), Cancellation);
        await stream.Output.CompleteAsync();

        var error = await Assert.ThrowsAsync<ConnectionException>(async () => await ReadToEndAsync(stream.Input));
        Assert.Equal(ConnectionError.StreamReset, error.Reason);
        Assert.Single(await village[0].Discovery.FindClosestAsync(s_key, Cancellation));
    }

    [Fact]
    public async Task Stream_TwoRequests_AreAnsweredInTurn()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(2);
        PeerConnection connection = village[0].Host.FindConnection(village[1].Host.PeerId)!;
        byte[] request = LengthPrefixed.Frame(KademliaCodec.Encode(new KademliaMessage(KademliaMessageType.Ping, default)));

        await using PeerStream stream = await connection.OpenStreamAsync(KademliaOptions.OverlayProtocol, Cancellation);
        for (int i = 0; i < 2; i++)
        {
            await stream.Output.WriteAsync(request, Cancellation);
            byte[]? answer = await MessageFrames.ReadAsync(stream.Input, 1000, Cancellation);
            Assert.True(KademliaCodec.TryDecode(answer, new KademliaOptions(), out KademliaMessage? decoded));
            Assert.Equal(KademliaMessageType.Ping, decoded.Type);
        }
    }

    [Fact]
    public async Task Dispose_WhileSearching_EndsTheSearch()
    {
        await using KademliaVillage village = await KademliaVillage.StartAsync(2);
        Villager late = await village.AddClientAsync();
        Task<int> providing = late.Discovery.ProvideAsync(s_key, Cancellation);

        await late.Discovery.DisposeAsync();

        // It had ended by then, or ends for that reason.
        if (await Record.ExceptionAsync(() => providing) is { } error) Assert.Equal(OverlayError.Stopping, Assert.IsType<OverlayException>(error).Reason);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => late.Discovery.ProvideAsync(s_key, Cancellation));
    }

    private static async Task<T> FirstAsync<T>(IAsyncEnumerable<T> source)
    {
        await foreach (T item in source) return item;
        throw new InvalidOperationException("There was none.");
    }

    private static async Task ReadToEndAsync(PipeReader input)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(Cancellation);
            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return;
        }
    }
}
