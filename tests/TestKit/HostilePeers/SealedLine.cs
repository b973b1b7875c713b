using System.Buffers.Binary;
using Overlay.Transport.Connections;
using Overlay.Transport.Crypto;

namespace Overlay.TestKit.HostilePeers;

/// <summary>Noise transport messages by hand: nonce, tag and length are the misbehaviour's to choose.</summary>
/// <remarks>Sending is safe on several threads, receiving is for one at a time.</remarks>
public sealed class SealedLine : IAsyncDisposable
{
    /// <summary>Largest text of one message (Noise specification, section 3).</summary>
    public const int MaxTextSize = 65535 - TagSize;

    private const int TagSize = 16;

    private readonly ChaChaPoly _send;
    private readonly ChaChaPoly _receive;
    private readonly SemaphoreSlim _sending = new(1);
    private ulong _receiveNonce;

    internal SealedLine(RawLine raw, byte[] sendKey, byte[] receiveKey)
    {
        Raw = raw;
        _send = ChaChaPoly.Create(sendKey);
        _receive = ChaChaPoly.Create(receiveKey);
    }

    /// <summary>The line below.</summary>
    public RawLine Raw { get; }

    /// <summary>Counter of the next message sealed. Set it to repeat, skip or go back.</summary>
    public ulong SendNonce { get; set; }

    /// <summary>Seals a text as one frame, length included, and counts on.</summary>
    public byte[] Seal(ReadOnlySpan<byte> text)
    {
        byte[] frame = new byte[2 + text.Length + TagSize];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)(text.Length + TagSize));
        text.CopyTo(frame.AsSpan(2));
        _send.Seal(HandNoise.Nonce(SendNonce++), frame.AsSpan(2), default);
        return frame;
    }

    /// <summary>Seals and sends, in as many messages as it takes.</summary>
    /// <exception cref="ConnectionException">The host has ended the connection.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            do
            {
                int size = Math.Min(text.Length, MaxTextSize);
                await Raw.SendAsync(Seal(text.Span[..size]), cancellationToken);
                text = text[size..];
            }
            while (!text.IsEmpty);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends the same text again and again, each time sealed anew, until the host ends the connection.</summary>
    public async Task FloodAsync(ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        while (true) await SendAsync(text, cancellationToken);
    }

    /// <summary>The text of the next message; null at the end of the connection.</summary>
    public async Task<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        byte[] prefix = new byte[2];
        try
        {
            if (!await Raw.TryReadAsync(prefix, cancellationToken)) return null;
            byte[] message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            if (!await Raw.TryReadAsync(message, cancellationToken)) return null;
            return _receive.TryOpen(HandNoise.Nonce(_receiveNonce++), message, default) ? message[..^TagSize] : null;
        }
        catch (ConnectionException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Raw.DisposeAsync();
        _send.Dispose();
        _receive.Dispose();
        _sending.Dispose();
    }
}
