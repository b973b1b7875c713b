using System.Buffers.Binary;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Crypto;
using Overlay.Transport.Noise;

namespace Overlay.Fuzzing.Targets;

/// <summary>Frames on an established channel: sealed by a peer that holds the keys, and between them whatever else.</summary>
/// <remarks>
/// Input: the size of the pieces in which it arrives, then steps of one byte each, by its lowest three bits: 0 to 3 seal a message with the next bytes, as many as the upper bits say
/// (in 3 times 40), 4 seals nothing, 5 lets the next bytes through raw, 6 flips a bit of the last frame, 7 repeats it.
/// What the channel gives out must be what was sealed, up to the first byte that is not as sealed.
/// </remarks>
internal sealed class NoiseTransportTarget : FuzzTarget
{
    private const int TagSize = ChaChaPoly.TagSize;
    private const int MaxPieceCount = 256;

    private static readonly byte[] s_key = FuzzKeys.Seed(7);

    internal override string Name => "noise-transport";

    internal override int MaxSize => 1024;

    // Two ciphers, the channel and an exception; the buffers come from a pool. One byte of the input is a frame of 18 bytes at least.
    internal override int FixedAllocation => 32 * 1024;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [255, 0x20, 1, 2, 3, 4, 0x43, .. new byte[320], 4, 4, 0x18, 7, 7, 7],
        [1, 0x08, 9, 4, 0x30, 1, 2, 3, 4, 5, 6],
        [9, 0x08, 9, 5 + 0x18, 0, 16, 1, 0x08, 3],
        [30, 0x08, 9, 6, 0x08, 9],
        [30, 0x08, 9, 7],
        [64, .. Enumerable.Repeat((byte)4, 70)],
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int pieceSize = parts.TakeByte();
        Script script = Script.Make(ref parts);
        byte[] received = new byte[script.Plaintext.Count];
        var connection = new ScriptedConnection([.. script.Frames], Math.Max(pieceSize, script.Frames.Count / MaxPieceCount));
        meter.Start();
        (int size, ConnectionException? failure) = ReceiveAll(connection, received);
        meter.Stop();
        Invariant.Holds(script.IsGenuine || failure is not null, "What nobody sealed ends the channel.");
        Invariant.Same(script.Plaintext.ToArray().AsSpan(0, size), received.AsSpan(0, size), "What comes out is what was sealed");
        if (failure is null)
        {
            Invariant.Same(script.Plaintext.Count, size, "Without a failure all comes out");
            return true;
        }

        Invariant.Holds(failure is { Fault: Fault.Peer, Reason: ConnectionError.AuthenticationFailed or ConnectionError.EndOfStream or ConnectionError.LimitExceeded }, $"A failure is the peer's: {failure}");
        Invariant.Holds(!script.IsGenuine || (failure.Reason == ConnectionError.LimitExceeded && script.EmptyRun > new NoiseOptions().MaxEmptyMessageCount), $"What a peer sealed is not refused: {failure}");
        Invariant.Holds(connection.IsAborted, "A failed channel aborts its connection.");
        return false;
    }

    private static (int Size, ConnectionException? Failure) ReceiveAll(ScriptedConnection connection, byte[] received)
    {
        var result = new NoiseHandshakeResult
        {
            RemotePublicKey = FuzzKeys.Peer.PublicKey,
            RemotePeer = FuzzKeys.Peer.PeerId,
            HandshakeHash = new byte[32],
            NegotiatedMuxer = NoiseSamples.Muxer,
            Send = NewCipher(),
            Receive = NewCipher(),
        };
        var channel = new NoiseChannel(connection, leftover: default, result, new NoiseOptions());
        int size = 0;
        try
        {
            while (true)
            {
                ReceivedSegment segment = Await(channel.ReceiveAsync(CancellationToken.None));
                if (segment.IsEnd) return (size, null);
                Invariant.Holds(segment.Length <= received.Length - size, "No more comes out than was sealed.");
                segment.Span.CopyTo(received.AsSpan(size));
                size += segment.Length;
                segment.Buffer!.Release();
            }
        }
        catch (ConnectionException failure)
        {
            CheckFailsAgain(channel, failure);
            return (size, failure);
        }
        finally
        {
            ValueTask disposal = channel.DisposeAsync();
            Invariant.Holds(disposal.IsCompletedSuccessfully, "A channel is disposed of without waiting.");
        }
    }

    private static void CheckFailsAgain(NoiseChannel channel, ConnectionException failure)
    {
        try
        {
            Await(channel.ReceiveAsync(CancellationToken.None));
        }
        catch (ConnectionException again)
        {
            Invariant.Same(failure.Reason, again.Reason, "A channel that failed fails alike");
            return;
        }

        throw new InvariantException("A channel that failed gives out nothing more.");
    }

    private static ReceivedSegment Await(ValueTask<ReceivedSegment> receiving) => Invariant.Completed(receiving, "What is there is received without waiting.");

    private static CipherState NewCipher()
    {
        var cipher = new CipherState();
        cipher.InitializeKey(s_key);
        return cipher;
    }

    /// <summary>What the peer sends, and what of it the other side may see.</summary>
    private sealed class Script
    {
        private int _lastFrame;

        internal List<byte> Frames { get; } = [];

        /// <summary>Sealed text up to the first byte that is not as sealed.</summary>
        internal List<byte> Plaintext { get; } = [];

        /// <summary>Whether every byte is as sealed.</summary>
        internal bool IsGenuine { get; private set; } = true;

        /// <summary>Longest run of messages without content.</summary>
        internal int EmptyRun { get; private set; }

        internal static Script Make(ref FuzzInput parts)
        {
            var script = new Script();
            using CipherState cipher = NewCipher();
            int emptyRun = 0;
            while (!parts.Rest.IsEmpty)
            {
                byte step = parts.TakeByte();
                int count = step >> 3;
                switch (step & 7)
                {
                    case <= 2:
                        script.Seal(cipher, parts.Take(count));
                        break;
                    case 3:
                        script.Seal(cipher, parts.Take(40 * count));
                        break;
                    case 4:
                        script.Seal(cipher, []);
                        break;
                    case 5:
                        script.AddRaw(parts.Take(count));
                        break;
                    case 6:
                        script.FlipBit(count);
                        break;
                    default:
                        script.Repeat();
                        break;
                }

                emptyRun = script.Frames.Count - script._lastFrame == NoiseHandshake.PrefixSize + TagSize ? emptyRun + 1 : 0;
                script.EmptyRun = Math.Max(script.EmptyRun, emptyRun);
            }

            return script;
        }

        private void Seal(CipherState cipher, ReadOnlySpan<byte> text)
        {
            byte[] frame = new byte[NoiseHandshake.PrefixSize + text.Length + TagSize];
            BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)(text.Length + TagSize));
            text.CopyTo(frame.AsSpan(NoiseHandshake.PrefixSize));
            cipher.EncryptWithAd(default, frame.AsSpan(NoiseHandshake.PrefixSize));
            _lastFrame = Frames.Count;
            Frames.AddRange(frame);
            if (IsGenuine) Plaintext.AddRange(text);
        }

        private void AddRaw(ReadOnlySpan<byte> bytes)
        {
            if (bytes.IsEmpty) return;
            _lastFrame = Frames.Count;
            Frames.AddRange(bytes);
            IsGenuine = false;
        }

        private void FlipBit(int bit)
        {
            if (_lastFrame == Frames.Count || !IsGenuine) return;
            int size = Frames.Count - _lastFrame;
            int overhead = NoiseHandshake.PrefixSize + TagSize;
            Plaintext.RemoveRange(Plaintext.Count - (size - overhead), size - overhead);
            Frames[_lastFrame + (bit * 7 % size)] ^= (byte)(1 << (bit % 8));
            IsGenuine = false;
        }

        private void Repeat()
        {
            if (_lastFrame == Frames.Count) return;
            byte[] frame = [.. Frames.Skip(_lastFrame)];
            _lastFrame = Frames.Count;
            Frames.AddRange(frame);
            IsGenuine = false;
        }
    }
}
