using System.Buffers;
using CsCheck;
using Google.Protobuf;
using Overlay.Transport.Connections;
using Overlay.Transport.Crypto;
using Overlay.Transport.Identity;
using Overlay.Transport.Noise;

namespace Overlay.Transport.Tests.Noise;

public sealed class NoiseHandshakeTests
{
    private const string Yamux = NoisePair.Yamux, Mplex = NoisePair.Mplex;

    [Fact]
    public void Handshake_TwoHosts_AgreeOnEverything()
    {
        using var pair = new NoisePair();
        pair.Run();
        using NoiseHandshakeResult a = pair.Initiator.Result, b = pair.Responder.Result;

        Assert.Equal(pair.ResponderPeer, a.RemotePeer);
        Assert.Equal(pair.InitiatorPeer, b.RemotePeer);
        Assert.Equal(pair.ResponderPeer, a.RemotePublicKey.ToPeerId());
        Assert.Equal(32, a.HandshakeHash.Length);
        Assert.Equal(a.HandshakeHash.ToArray(), b.HandshakeHash.ToArray());
        Assert.Equal(Yamux, a.NegotiatedMuxer);

        byte[] message = [.. "hello"u8, .. new byte[16]];
        a.Send.EncryptWithAd(default, message);
        Assert.True(b.Receive.TryDecryptWithAd(default, message));
    }

    [Fact]
    public void Handshake_SameHostsAgain_HaveAnotherHash()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        using NoiseStaticKey key = NoiseStaticKey.Generate(identity);
        byte[] Hash()
        {
            using var initiator = new NoiseHandshake(key, NoiseRole.Initiator, null, [], new NoiseOptions());
            using var responder = new NoiseHandshake(key, NoiseRole.Responder, null, [], new NoiseOptions());
            responder.ReadMessage(NoisePair.Write(initiator));
            initiator.ReadMessage(NoisePair.Write(responder));
            responder.ReadMessage(NoisePair.Write(initiator));
            using NoiseHandshakeResult a = initiator.Result, b = responder.Result;
            return a.HandshakeHash.ToArray();
        }

        Assert.NotEqual(Hash(), Hash());
    }

    [Theory]
    [InlineData(new[] { Yamux }, new[] { Yamux }, Yamux)]
    [InlineData(new[] { Yamux, Mplex }, new[] { Mplex, Yamux }, Yamux)]
    [InlineData(new[] { Mplex, Yamux }, new[] { Yamux, Mplex }, Mplex)]
    [InlineData(new[] { Mplex, Yamux }, new[] { Yamux }, Yamux)]
    [InlineData(new[] { Yamux }, new[] { Mplex, Yamux }, Yamux)]
    [InlineData(new string[0], new[] { Yamux }, null)]
    [InlineData(new[] { Yamux }, new string[0], null)]
    [InlineData(new string[0], new string[0], null)]
    public void Muxer_EveryCombination_TheInitiatorsOrderDecides(string[] initiator, string[] responder, string? expected)
    {
        using var pair = new NoisePair(initiator, responder);
        pair.Run();
        using NoiseHandshakeResult a = pair.Initiator.Result, b = pair.Responder.Result;
        Assert.Equal(expected, a.NegotiatedMuxer);
        Assert.Equal(expected, b.NegotiatedMuxer);
    }

    [Fact]
    public void Muxer_NoneInCommon_FailsTheHandshake()
    {
        using var pair = new NoisePair([Mplex], [Yamux]);
        AssertFails(ConnectionError.ProtocolNotSupported, () => pair.Run());
        Assert.False(pair.Initiator.WantsWrite || pair.Initiator.WantsRead || pair.Initiator.IsComplete);
    }

    [Theory]
    [InlineData(new[] { Mplex }, ConnectionError.ProtocolNotSupported)]
    [InlineData(new[] { Mplex, Yamux }, null)]
    public void Muxer_ForeignInitiatorSendsItsWholeList_TheResponderChoosesFromIt(string[] list, ConnectionError? failure)
    {
        using var foreign = new ForeignInitiator(payload => payload.Extensions = new NoiseExtensions { StreamMuxers = { list } });
        if (failure is { } reason)
        {
            AssertFails(reason, foreign.Run);
            return;
        }

        foreign.Run();
        Assert.Equal(Yamux, foreign.Responder.Result.NegotiatedMuxer);
    }

    [Fact]
    public void Payload_OfOurs_IsTheBytesThatOtherLibrariesRead()
    {
        using PeerIdentity identity = PeerIdentity.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);
        using var foreign = new ForeignInitiator(_ => { }, identity);
        byte[] payload = foreign.ReceivePayload();

        // Drawn by hand from the schema: field 1 key, field 2 signature, field 4 extensions with field 2 muxer.
        byte[] signature = payload[40..104];
        byte[] expected =
        [
            0x0A, 36, 0x08, 0x01, 0x12, 32, .. identity.PublicKey.Data.Span,
            0x12, 64, .. signature,
            0x22, 14, 0x12, 12, .. "/yamux/1.0.0"u8,
        ];
        Assert.Equal(expected, payload);
        Assert.True(identity.PublicKey.VerifyVarTime([.. "noise-libp2p-static-key:"u8, .. foreign.RemoteStaticKey], signature));
    }

    [Fact]
    public void Read_WrongExpectedPeer_NamesIt()
    {
        using PeerIdentity other = PeerIdentity.Generate();
        using var pair = new NoisePair(expected: other.PeerId);
        Assert.Equal(other.PeerId, AssertFails(ConnectionError.WrongPeer, () => pair.Run()).Peer);
    }

    [Fact]
    public void Read_WrongPeerAndNoMuxerInCommon_ReportsTheIdentityFirst()
    {
        using PeerIdentity other = PeerIdentity.Generate();
        using var pair = new NoisePair([Mplex], [Yamux], other.PeerId);
        AssertFails(ConnectionError.WrongPeer, () => pair.Run());
    }

    [Fact]
    public void Read_EveryByteOfEveryMessageFlipped_FailsTheHandshake()
    {
        for (int target = 0; target < 3; target++)
        {
            int size = target + 1;
            for (int i = 0; i < size; i++)
            {
                using var pair = new NoisePair();
                var error = Assert.Throws<ConnectionException>(() => pair.Run(target, message =>
                {
                    size = message.Length;
                    message[i] ^= 1;
                    return message;
                }));
                Assert.Equal(ConnectionStep.SecurityHandshake, error.Step);
                Assert.Equal(ConnectionError.AuthenticationFailed, error.Reason);
                Assert.Equal(Fault.Peer, error.Fault);
            }

            Assert.True(size >= 32);
        }
    }

    [Fact]
    public void Read_EveryTruncation_FailsTheHandshake()
    {
        for (int target = 0; target < 3; target++)
        {
            int size = 1;
            for (int i = 0; i < size; i++)
            {
                using var pair = new NoisePair();
                var error = Assert.Throws<ConnectionException>(() => pair.Run(target, message =>
                {
                    size = message.Length;
                    return message[..i];
                }));
                Assert.Contains(error.Reason, new[] { ConnectionError.ProtocolViolation, ConnectionError.AuthenticationFailed });
            }
        }
    }

    [Fact]
    public void FrameSize_OverTheLimit_IsRefusedFromItsTwoBytes()
    {
        using var pair = new NoisePair(options: new NoiseOptions { MaxHandshakeMessageSize = 4096 });
        Assert.False(pair.Responder.TryGetFrameSize([], out _));
        Assert.False(pair.Responder.TryGetFrameSize([0x10], out _));
        Assert.True(pair.Responder.TryGetFrameSize([0x10, 0x00], out int size));
        Assert.Equal(4098, size);
        AssertFails(ConnectionError.LimitExceeded, () => pair.Responder.TryGetFrameSize([0x10, 0x01], out _));
        AssertFails(ConnectionError.LimitExceeded, () => pair.Responder.ReadMessage(new byte[4097]));
        AssertFails(ConnectionError.ProtocolViolation, () => pair.Responder.TryGetFrameSize([0, 31], out _));
    }

    [Fact]
    public void Read_PayloadInTheFirstMessage_IsIgnored()
    {
        using var foreign = new ForeignInitiator(_ => { }, firstPayload: "early and worthless"u8.ToArray());
        foreign.Run();
        Assert.True(foreign.Responder.IsComplete);
    }

    [Fact]
    public void Read_EphemeralKeyOfSmallOrder_IsRefused()
    {
        using var pair = new NoisePair();
        pair.Responder.ReadMessage(new byte[32]);
        AssertFails(ConnectionError.ProtocolViolation, () => pair.Responder.WriteMessage(new ArrayBufferWriter<byte>()));
        Assert.False(pair.Responder.WantsWrite);
    }

    [Fact]
    public void Read_SignatureOverAnotherStaticKey_IsRefused()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        using var foreign = new ForeignInitiator(p => p.IdentitySig = Sign(identity, NoiseStaticKey.SignedText(new byte[32])), identity);
        AssertFails(ConnectionError.AuthenticationFailed, foreign.Run);
    }

    [Fact]
    public void Read_SignatureByAnotherIdentity_IsRefused()
    {
        using PeerIdentity other = PeerIdentity.Generate();
        using var foreign = new ForeignInitiator(p => p.IdentityKey = ByteString.CopyFrom(other.PublicKey.Encoded.Span));
        AssertFails(ConnectionError.AuthenticationFailed, foreign.Run);
    }

    [Fact]
    public void Read_SignatureWithoutTheDomain_IsRefused()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        using var foreign = new ForeignInitiator((p, key) => p.IdentitySig = Sign(identity, key), identity);
        AssertFails(ConnectionError.AuthenticationFailed, foreign.Run);
    }

    [Fact]
    public void Read_FieldsMissing_IsRefused()
    {
        using var noKey = new ForeignInitiator(p => p.ClearIdentityKey());
        AssertFails(ConnectionError.ProtocolViolation, noKey.Run);
        using var noSignature = new ForeignInitiator(p => p.ClearIdentitySig());
        AssertFails(ConnectionError.AuthenticationFailed, noSignature.Run);
    }

    [Fact]
    public void Read_UnknownFields_AreIgnored()
    {
        // Field 3 (the old "data") with bytes, field 100 varint, field 101 fixed64, and inside the extensions field 1 and field 77.
        byte[] unknown = [0x1A, 2, 9, 9, 0xA0, 0x06, 0x01, 0xA9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 7, 0x0A, 1, 5, 0xEA, 0x04, 1, 5];
        using var foreign = new ForeignInitiator(_ => { }, appended: unknown);
        foreign.Run();
        Assert.True(foreign.Responder.IsComplete);
    }

    [Fact]
    public void Read_GarbageAsPayload_IsATypedError() =>
        Gen.Byte.Array[0, 300].Sample(
            garbage =>
            {
                using var foreign = new ForeignInitiator(_ => { }, replaced: garbage);
                var error = Assert.Throws<ConnectionException>(foreign.Run);
                Assert.Contains(error.Reason, new[] { ConnectionError.ProtocolViolation, ConnectionError.AuthenticationFailed });
            },
            iter: 100);

    [Fact]
    public void Read_TooManyMuxersOrTooLongAName_IsOverTheLimit()
    {
        using var many = new ForeignInitiator(p => p.Extensions = new NoiseExtensions { StreamMuxers = { Enumerable.Repeat(Yamux, 17) } });
        AssertFails(ConnectionError.LimitExceeded, many.Run);
        using var longName = new ForeignInitiator(p => p.Extensions = new NoiseExtensions { StreamMuxers = { Yamux, new string('x', 129) } });
        AssertFails(ConnectionError.LimitExceeded, longName.Run);
    }

    [Fact]
    public void StaticKey_ManyHandshakes_SignsOnce()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        using NoiseStaticKey key = NoiseStaticKey.Generate(identity);
        identity.Dispose();
        using var responder = new NoiseHandshake(key, NoiseRole.Responder, null, [], new NoiseOptions());
        using var initiator = new NoiseHandshake(key, NoiseRole.Initiator, identity.PeerId, [], new NoiseOptions());
        responder.ReadMessage(NoisePair.Write(initiator));
        initiator.ReadMessage(NoisePair.Write(responder));
    }

    [Fact]
    public void Options_OutsideTheirRange_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoiseOptions { MaxHandshakeMessageSize = 65536 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoiseOptions { MaxReceiveBufferSize = 65536 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoiseOptions { MaxMuxerCount = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoiseOptions { MaxUnflushedSize = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoiseOptions { MaxEmptyMessageCount = -1 });
    }

    private static ByteString Sign(PeerIdentity identity, ReadOnlySpan<byte> text)
    {
        byte[] signature = new byte[64];
        identity.Sign(text, signature);
        return ByteString.CopyFrom(signature);
    }

    private static ConnectionException AssertFails(ConnectionError reason, Action action)
    {
        var error = Assert.Throws<ConnectionException>(action);
        Assert.Equal(reason, error.Reason);
        Assert.Equal(ConnectionStep.SecurityHandshake, error.Step);
        Assert.Equal(Fault.Peer, error.Fault);
        return error;
    }

    /// <summary>An initiator made of the bare Noise machine, which can put anything into its payloads.</summary>
    private sealed class ForeignInitiator : IDisposable
    {
        private readonly X25519KeyPair _static = X25519KeyPair.Generate();
        private readonly PeerIdentity _identity;
        private readonly NoiseStaticKey _responderKey;
        private readonly HandshakeState _state;
        private readonly Action<NoiseHandshakePayload, byte[]> _change;
        private readonly byte[] _firstPayload, _appended;
        private readonly byte[]? _replaced;

        internal ForeignInitiator(Action<NoiseHandshakePayload, byte[]> change, PeerIdentity? identity = null, byte[]? firstPayload = null, byte[]? appended = null, byte[]? replaced = null)
        {
            _identity = identity ?? PeerIdentity.Generate();
            _responderKey = NoiseStaticKey.Generate(_identity);
            _state = new HandshakeState(NoiseRole.Initiator, default, _static, X25519KeyPair.Generate());
            _change = change;
            _firstPayload = firstPayload ?? [];
            _appended = appended ?? [];
            _replaced = replaced;
            Responder = new NoiseHandshake(_responderKey, NoiseRole.Responder, null, [Yamux], new NoiseOptions());
        }

        internal ForeignInitiator(Action<NoiseHandshakePayload> change, PeerIdentity? identity = null, byte[]? firstPayload = null, byte[]? appended = null, byte[]? replaced = null)
            : this((payload, _) => change(payload), identity, firstPayload, appended, replaced)
        {
        }

        internal NoiseHandshake Responder { get; }

        internal byte[] RemoteStaticKey => _state.RemoteStaticKey.ToArray();

        internal byte[] ReceivePayload()
        {
            byte[] first = new byte[_state.Overhead + _firstPayload.Length];
            _state.WriteMessage(_firstPayload, first);
            Responder.ReadMessage(first);
            byte[] second = NoisePair.Write(Responder), payload = new byte[second.Length];
            return payload[.._state.ReadMessage(second, payload)];
        }

        internal void Run()
        {
            ReceivePayload();
            var payload = new NoiseHandshakePayload
            {
                IdentityKey = ByteString.CopyFrom(_identity.PublicKey.Encoded.Span),
                IdentitySig = Sign(_identity, NoiseStaticKey.SignedText(_static.PublicKey)),
            };
            _change(payload, _static.PublicKey.ToArray());
            byte[] bytes = _replaced ?? [.. payload.ToByteArray(), .. _appended];
            byte[] third = new byte[_state.Overhead + bytes.Length];
            _state.WriteMessage(bytes, third);
            Responder.ReadMessage(third);
        }

        public void Dispose()
        {
            Responder.Dispose();
            _responderKey.Dispose();
            _state.Dispose();
            _static.Dispose();
            _identity.Dispose();
        }
    }
}
