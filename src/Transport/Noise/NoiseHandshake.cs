using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Overlay.Transport.Connections;
using Overlay.Transport.Crypto;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Noise;

/// <summary>The libp2p handshake (libp2p noise specification): Noise XX, the identity behind the static key, the muxer. Without I/O: frames in, frames out.</summary>
/// <remarks>
/// <code>
/// frame = size of message, 2 bytes big-endian ‖ Noise handshake message
/// </code>
/// One thread at a time. Whoever drives it writes while <see cref="WantsWrite"/>, reads while <see cref="WantsRead"/>, then takes <see cref="Result"/>, which outlives it.
/// After an exception it is of no further use, and nothing that the other side claimed has been believed.
/// </remarks>
internal sealed class NoiseHandshake : IDisposable
{
    /// <summary>Bytes of the length before each message.</summary>
    internal const int PrefixSize = 2;

    private static readonly MessageParser<NoiseHandshakePayload> s_payloadParser = NoiseHandshakePayload.Parser.WithDiscardUnknownFields(true);

    private readonly NoiseStaticKey _local;
    private readonly NoiseRole _role;
    private readonly PeerId? _expectedPeer;
    private readonly IReadOnlyList<string> _muxers;
    private readonly NoiseOptions _options;
    private readonly HandshakeState _state;
    private PeerPublicKey? _remoteKey;
    private PeerId? _remotePeer;
    private string? _muxer;
    private NoiseHandshakeResult? _result;

    /// <param name="local">This host's static key and its signature; stays the caller's.</param>
    /// <param name="role">The dialer initiates.</param>
    /// <param name="expectedPeer">Who must be at the other end, or null for anybody.</param>
    /// <param name="muxers">Muxers to agree on inside the handshake, the preferred first; empty leaves them to multistream-select.</param>
    /// <param name="options">Limits.</param>
    /// <param name="ephemeral">The ephemeral key, which is then this object's; null for a fresh one, as all but tests want it.</param>
    internal NoiseHandshake(
        NoiseStaticKey local, NoiseRole role, PeerId? expectedPeer, IReadOnlyList<string> muxers, NoiseOptions options, X25519KeyPair? ephemeral = null)
    {
        _local = local;
        _role = role;
        _expectedPeer = expectedPeer;
        _muxers = muxers;
        _options = options;
        _state = new HandshakeState(role, prologue: default, local.KeyPair, ephemeral ?? X25519KeyPair.Generate());
    }

    internal bool WantsWrite => _state.IsWriter;

    internal bool WantsRead => _state.IsReader;

    internal bool IsComplete => _result is not null;

    /// <summary>The outcome; the caller owns it.</summary>
    /// <exception cref="InvalidOperationException">The handshake is not complete.</exception>
    internal NoiseHandshakeResult Result => _result ?? throw new InvalidOperationException("The handshake is not complete.");

    /// <summary>Writes the next message as a whole frame, length included.</summary>
    /// <exception cref="ConnectionException">The other side's ephemeral key, read before, is a weak one.</exception>
    internal void WriteMessage(IBufferWriter<byte> output)
    {
        // Nobody may see an identity before it can be kept secret: the first message carries none.
        byte[] payload = _state.Overhead == X25519.KeySize ? [] : Payload();
        int size = _state.Overhead + payload.Length;
        Span<byte> frame = output.GetSpan(PrefixSize + size);
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)size);
        try
        {
            _state.WriteMessage(payload, frame[PrefixSize..]);
        }
        catch (NoiseException e)
        {
            throw Failure(e);
        }

        output.Advance(PrefixSize + size);
        CompleteIfDone();
    }

    /// <summary>Says how long the frame at the start of <paramref name="received"/> is, length included, once its two bytes of length are there.</summary>
    /// <returns>False while they are not. True says nothing about whether the whole frame is there.</returns>
    /// <exception cref="ConnectionException">The length lies outside the limits, known before any of the message is waited for.</exception>
    internal bool TryGetFrameSize(ReadOnlySpan<byte> received, out int frameSize)
    {
        frameSize = 0;
        if (received.Length < PrefixSize) return false;
        int size = BinaryPrimitives.ReadUInt16BigEndian(received);
        CheckSize(size);
        frameSize = PrefixSize + size;
        return true;
    }

    /// <summary>Reads the next message, given whole and without its length.</summary>
    /// <exception cref="ConnectionException">The message is forged or malformed, or the other side is not whom it says or whom this side expects.</exception>
    internal void ReadMessage(ReadOnlySpan<byte> message)
    {
        CheckSize(message.Length);
        byte[] buffer = new byte[message.Length];
        bool first = _role == NoiseRole.Responder && _state.Overhead == X25519.KeySize;
        int size;
        try
        {
            size = _state.ReadMessage(message, buffer);
        }
        catch (NoiseException e)
        {
            throw Failure(e);
        }

        // A payload of the first message is neither secret nor authentic; the specification lets it be ignored.
        if (first) return;
        try
        {
            AcceptPayload(buffer.AsSpan(0, size));
        }
        catch (ConnectionException)
        {
            _state.Dispose();
            throw;
        }

        CompleteIfDone();
    }

    public void Dispose() => _state.Dispose();

    private void CheckSize(int size)
    {
        if (size > _options.MaxHandshakeMessageSize) throw Failure(ConnectionError.LimitExceeded, $"A handshake message of {size} bytes is over the limit.");
        if (size < _state.Overhead) throw Failure(ConnectionError.ProtocolViolation, $"A handshake message of {size} bytes is too short.");
    }

    // The order is the point: identity first, then who was expected, and only then anything else of the payload.
    private void AcceptPayload(ReadOnlySpan<byte> bytes)
    {
        NoiseHandshakePayload payload;
        try
        {
            payload = s_payloadParser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Failure(ConnectionError.ProtocolViolation, "The handshake payload is malformed.", e);
        }

        if (!PeerPublicKey.TryDecode(payload.IdentityKey.Span, out PeerPublicKey? key))
            throw Failure(ConnectionError.ProtocolViolation, "The handshake payload holds no identity key that can be read.");
        if (!key.VerifyVarTime(NoiseStaticKey.SignedText(_state.RemoteStaticKey), payload.IdentitySig.Span))
            throw Failure(ConnectionError.AuthenticationFailed, "The identity key did not sign the static key.");

        PeerId peer = key.ToPeerId();
        if (_expectedPeer is not null && peer != _expectedPeer)
            throw Failure(ConnectionError.WrongPeer, $"The other side is {peer}, not {_expectedPeer}.");
        _remoteKey = key;
        _remotePeer = peer;

        string[] remote = payload.Extensions?.StreamMuxers.ToArray() ?? [];
        if (remote.Length > _options.MaxMuxerCount) throw Failure(ConnectionError.LimitExceeded, "The peer names too many muxers.");
        if (remote.Any(name => name.Length > _options.MaxMuxerNameSize)) throw Failure(ConnectionError.LimitExceeded, "The peer names a muxer at too great a length.");
        _muxer = _role == NoiseRole.Initiator ? MuxerChoice.Choose(_muxers, remote) : MuxerChoice.Choose(remote, _muxers);
    }

    private byte[] Payload()
    {
        var payload = new NoiseHandshakePayload
        {
            IdentityKey = UnsafeByteOperations.UnsafeWrap(_local.Identity.Encoded),
            IdentitySig = ByteString.CopyFrom(_local.IdentitySignature),
        };
        // An initiator that already knows the outcome names it alone, as the specification allows: a peer that goes by
        // another order of preference than the initiator's then still comes to the same muxer.
        if (_muxer is not null) payload.Extensions = new NoiseExtensions { StreamMuxers = { _muxer } };
        else if (_muxers.Count > 0) payload.Extensions = new NoiseExtensions { StreamMuxers = { _muxers } };
        return payload.ToByteArray();
    }

    private void CompleteIfDone()
    {
        if (!_state.IsComplete) return;
        (CipherState send, CipherState receive) = _state.Split();
        _result = new NoiseHandshakeResult
        {
            RemotePublicKey = _remoteKey!,
            RemotePeer = _remotePeer!,
            HandshakeHash = _state.HandshakeHash.ToArray(),
            NegotiatedMuxer = _muxer,
            Send = send,
            Receive = receive,
        };
    }

    private ConnectionException Failure(NoiseException e) =>
        Failure(e.Error == NoiseError.DecryptionFailed ? ConnectionError.AuthenticationFailed : ConnectionError.ProtocolViolation, e.Message, e);

    private ConnectionException Failure(ConnectionError reason, string message, Exception? inner = null) =>
        new(reason, ConnectionStep.SecurityHandshake, Fault.Peer, message, inner) { Peer = _expectedPeer };
}
