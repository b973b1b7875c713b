using Google.Protobuf;
using Overlay.Discovery.Reachability;
using Overlay.Discovery.Reachability.Wire;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

/// <summary>AutoNAT v2 between real hosts on loopback. Loopback counts as dialable by option only.</summary>
public sealed class AutoNatTests : IAsyncLifetime
{
    private static readonly ReachabilityOptions s_options = new() { AllowPrivateAddresses = true };

    private readonly PeerIdentity _clientIdentity = PeerIdentity.Generate(), _serverIdentity = PeerIdentity.Generate();
    private readonly AutoNatClient _client = new(s_options, TimeProvider.System);
    private readonly DialBackHost _dialBack = new(s_options, TimeProvider.System, null);
    private PeerHost _clientHost = null!, _serverHost = null!;
    private Multiaddr _clientAddress = null!;
    private PeerConnection _connection = null!;

    public async ValueTask InitializeAsync()
    {
        _clientHost = new PeerHost(_clientIdentity, new TransportOptions { IdentifyOnConnect = false });
        _serverHost = new PeerHost(_serverIdentity, new TransportOptions { IdentifyOnConnect = false });
        _clientHost.Protocols.Handle(AutoNatProtocol.DialBack, _client.TakeDialBackAsync);
        _clientAddress = (await _clientHost.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Peers.Cancellation)).WithoutPeerId();
        Multiaddr server = await _serverHost.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Peers.Cancellation);
        _connection = await _clientHost.ConnectAsync(server, Peers.Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _clientHost.DisposeAsync();
        await _serverHost.DisposeAsync();
        await _dialBack.DisposeAsync();
        _clientIdentity.Dispose();
        _serverIdentity.Dispose();
    }

    private AutoNatServer Serve(ReachabilityOptions? options = null)
    {
        options ??= s_options;
        var server = new AutoNatServer(options, new AutoNatServerRules(options, _ => true), _dialBack.DialAsync, new Random(1), TimeProvider.System);
        _serverHost.Protocols.Handle(AutoNatProtocol.DialRequest, server.HandleAsync);
        return server;
    }

    private ValueTask<(Multiaddr Address, bool Reached)?> AskAsync(params Multiaddr[] addresses) =>
        _client.AskAsync(_connection, addresses, Peers.Cancellation);

    [Fact]
    public async Task Ask_AddressIsOpen_IsReached()
    {
        AutoNatServer server = Serve();

        Assert.Equal((_clientAddress, true), await AskAsync(_clientAddress));
        Assert.Equal(1, server.ServedCount);
    }

    [Fact]
    public async Task Ask_NobodyListensThere_IsNotReached()
    {
        Serve();
        Multiaddr closed = Peers.At("127.0.0.1", 1);

        Assert.Equal((closed, false), await AskAsync(closed));
    }

    [Fact]
    public async Task Ask_AnotherPeerListensThere_IsNotReached()
    {
        Serve();

        Assert.False((await AskAsync(_serverHost.ListenAddresses[0].WithoutPeerId()))!.Value.Reached);
    }

    [Fact]
    public async Task Ask_AddressOfAnotherHost_IsPaidForFirst()
    {
        Serve();
        Multiaddr other = Peers.At("127.0.0.2", 1);

        Assert.Equal((other, false), await AskAsync(other, _clientAddress));
    }

    [Fact]
    public async Task Ask_PaymentIsTooMuch_TheQuestionIsGivenUp()
    {
        Serve();
        var frugal = new AutoNatClient(s_options with { MaxDialData = 1000 }, TimeProvider.System);

        await Assert.ThrowsAsync<AutoNatException>(() => frugal.AskAsync(_connection, [Peers.At("127.0.0.2", 1)], Peers.Cancellation).AsTask());
    }

    [Fact]
    public async Task Ask_PrivateAddressByDefault_IsRefusedAndCounted()
    {
        AutoNatServer server = Serve(new ReachabilityOptions());

        Assert.Null(await AskAsync(_clientAddress));
        Assert.Equal(1, server.RefusedCount);
    }

    [Fact]
    public async Task Ask_UnusableAddressesFirst_TheFirstUsableIsTried()
    {
        Serve();

        Assert.Equal((_clientAddress, true),
            await AskAsync(Multiaddr.Parse("/dns4/localhost/tcp/1"), Multiaddr.Parse("/ip4/127.0.0.1/udp/1/quic-v1"), _clientAddress));
    }

    [Fact]
    public async Task Ask_OftenerThanAllowed_IsRejected()
    {
        AutoNatServer server = Serve(s_options with { RequestsPerMinuteAndPeer = 2 });
        Assert.NotNull(await AskAsync(_clientAddress));
        Assert.NotNull(await AskAsync(_clientAddress));

        Assert.Null(await AskAsync(_clientAddress));
        Assert.Equal(1, server.RefusedCount);
    }

    [Fact]
    public async Task Ask_ServerOnlyClaimsToHaveDialled_IsNotBelieved()
    {
        _serverHost.Protocols.Handle(AutoNatProtocol.DialRequest, async (stream, ct) =>
        {
            await stream.Input.ReadAsync(AutoNatMessage.Parser, ct);
            var lie = new DialResponse { Status = DialResponse.Types.ResponseStatus.Ok, DialStatus = DialStatus.Ok };
            await stream.Output.WriteAsync(new AutoNatMessage { DialResponse = lie }, ct);
            await stream.Output.CompleteAsync();
        });

        await Assert.ThrowsAsync<AutoNatException>(() => AskAsync(_clientAddress).AsTask());
    }

    [Theory]
    [InlineData("C2800F")] // a message of 250 KB announced
    [InlineData("8000")] // a length that is not in its shortest form
    [InlineData("03FFFFFF")] // no protobuf
    [InlineData("00")] // a message of no kind
    [InlineData("040A020807")] // an address beyond those that were named: dialDataRequest { addrIdx 7 } in the wrong field
    public async Task Ask_ServerBreaksTheRules_TheQuestionFails(string answer)
    {
        _serverHost.Protocols.Handle(AutoNatProtocol.DialRequest, async (stream, ct) =>
        {
            await stream.Input.ReadAsync(AutoNatMessage.Parser, ct);
            await stream.Output.WriteAsync(Convert.FromHexString(answer), ct);
            await stream.Output.CompleteAsync();
        });

        await Assert.ThrowsAsync<AutoNatException>(() => AskAsync(_clientAddress).AsTask());
    }

    [Fact]
    public async Task Serve_DataInSmallPieces_TheStreamIsReset()
    {
        AutoNatServer server = Serve();
        await using PeerStream stream = await _connection.OpenStreamAsync(AutoNatProtocol.DialRequest, Peers.Cancellation);
        var request = new DialRequest { Nonce = 1 };
        request.Addrs.Add(ByteString.CopyFrom(Peers.At("127.0.0.2", 1).Bytes.Span));
        await stream.Output.WriteAsync(new AutoNatMessage { DialRequest = request }, Peers.Cancellation);
        AutoNatMessage wanted = await stream.Input.ReadAsync(AutoNatMessage.Parser, Peers.Cancellation);
        Assert.InRange(wanted.DialDataRequest.NumBytes, 30_000UL, 100_000UL);

        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await stream.Output.WriteAsync(new AutoNatMessage { DialDataResponse = new DialDataResponse { Data = ByteString.CopyFrom(1) } },
                Peers.Cancellation);
            await stream.Input.ReadAsync(AutoNatMessage.Parser, Peers.Cancellation);
        });
        Assert.Equal(1, server.RefusedCount);
    }

    [Fact]
    public async Task TakeDialBack_NonceThatNobodyWaitsFor_IsReset()
    {
        PeerConnection toClient = await _serverHost.ConnectAnewAsync(_clientIdentity.PeerId, [_clientAddress], Peers.Cancellation);
        await using PeerStream stream = await toClient.OpenStreamAsync(AutoNatProtocol.DialBack, Peers.Cancellation);

        // The reset may come before the nonce is out, since the stream's opening alone cannot wait for it.
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await stream.Output.WriteAsync(new DialBack { Nonce = 99 }, Peers.Cancellation);
            await stream.Input.ReadAsync(DialBackResponse.Parser, Peers.Cancellation);
        });
    }

    [Fact]
    public void Choose_ManyAddresses_LooksAtNoMoreThanAllowed()
    {
        var rules = new AutoNatServerRules(new ReachabilityOptions { MaxAddressCount = 3 }, _ => true);
        ByteString bad = ByteString.CopyFrom(Peers.At("10.0.0.1").Bytes.Span), good = ByteString.CopyFrom(Peers.At("1.1.1.1").Bytes.Span);

        Assert.Null(rules.Choose([bad, bad, bad, good]));
        Assert.Equal(2, rules.Choose([bad, bad, good])!.Value.Index);
        Assert.Null(rules.Choose([ByteString.CopyFrom(1, 2, 3)]));
    }

    [Fact]
    public void TryEnter_ManyAtOnce_IsBounded()
    {
        var rules = new AutoNatServerRules(new ReachabilityOptions { MaxParallelRequests = 2 }, _ => true);
        Assert.True(rules.TryEnter(Peers.New(), Peers.Start));
        Assert.True(rules.TryEnter(Peers.New(), Peers.Start));
        Assert.False(rules.TryEnter(Peers.New(), Peers.Start));

        rules.Leave();
        Assert.True(rules.TryEnter(Peers.New(), Peers.Start));
    }
}
