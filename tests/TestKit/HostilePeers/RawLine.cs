using System.Text;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>A connection below all protocols: bytes as the misbehaviour wants them.</summary>
/// <remarks>One reader and one writer at a time.</remarks>
public sealed class RawLine(ByteConnection connection) : IAsyncDisposable
{
    /// <summary>First line of multistream-select.</summary>
    public const string MultistreamHeader = "/multistream/1.0.0";

    /// <summary>Largest piece that <see cref="ReadToEndAsync"/> takes at once.</summary>
    private const int ReadSize = 16 * 1024;

    /// <summary>A line of multistream-select: varint length, text, newline.</summary>
    public static byte[] Line(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text + "\n");
        byte[] line = new byte[Varint.Size((ulong)bytes.Length) + bytes.Length];
        bytes.CopyTo(line, Varint.Write(line, (ulong)bytes.Length));
        return line;
    }

    /// <summary>The first bytes of a dialler that proposes <paramref name="protocol"/>.</summary>
    public static byte[] Proposal(string protocol) => [.. Line(MultistreamHeader), .. Line(protocol)];

    /// <exception cref="ConnectionException">The host has ended the connection.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => connection.SendAsync(bytes, cancellationToken);

    /// <summary>Sends the same bytes again and again, until the host ends the connection.</summary>
    public async Task FloodAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (true) await connection.SendAsync(bytes, cancellationToken);
    }

    /// <summary>Receives exactly as many bytes as <paramref name="buffer"/> holds; false when the host ends before.</summary>
    public async Task<bool> TryReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int count = await connection.ReceiveAsync(buffer, cancellationToken);
            if (count == 0) return false;
            buffer = buffer[count..];
        }

        return true;
    }

    /// <summary>Receives and drops until the host has ended the connection, in whatever way.</summary>
    public async Task ReadToEndAsync(CancellationToken cancellationToken)
    {
        byte[] nowhere = new byte[ReadSize];
        try
        {
            while (await connection.ReceiveAsync(nowhere, cancellationToken) > 0) { }
        }
        catch (ConnectionException)
        {
            // A reset is an end as well.
        }
    }

    /// <summary>Ends this side's direction.</summary>
    public ValueTask CompleteAsync() => connection.CompleteAsync();

    /// <summary>Resets the connection.</summary>
    public void Abort() => connection.Abort();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
