using System.Security.Cryptography;

namespace Overlay.Benchmarks.Soak;

/// <summary>Something in the run that must not happen: wrong bytes, a missing end, a stall.</summary>
internal sealed class SoakFault(string message) : Exception(message);

/// <summary>The bytes of every stream, which both ends know: a place in one book of random bytes, begun at a page that stream and direction choose.</summary>
/// <remarks>So every received byte is compared with what was sent, on streams that are cut short too. The book's length is a prime: no number of frames
/// that got lost or came twice lands on the same page again.</remarks>
internal sealed class SoakContent
{
    private const int Length = 1_048_573;

    private readonly byte[] _book = new byte[Length];

    internal SoakContent(int seed) => new Random(seed).NextBytes(_book);

    /// <summary>Where a direction of a stream begins.</summary>
    internal static int PageOf(ulong id, bool isUpload) => (int)(((id * 0x9E3779B97F4A7C15) + (isUpload ? 0UL : 0xD1B54A32D192ED03)) % Length);

    internal void Fill(Span<byte> destination, int page, long position)
    {
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> rest = RestOf(page, position);
            int count = Math.Min(rest.Length, destination.Length);
            rest[..count].CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }

    /// <exception cref="SoakFault">The bytes are others than were sent.</exception>
    internal void Check(ReadOnlySpan<byte> received, int page, long position)
    {
        while (!received.IsEmpty)
        {
            ReadOnlySpan<byte> rest = RestOf(page, position);
            int count = Math.Min(rest.Length, received.Length);
            int equal = rest.CommonPrefixLength(received[..count]);
            if (equal < count) throw new SoakFault($"wrong byte at position {position + equal}: {received[equal]:X2} where {rest[equal]:X2} was sent");
            received = received[count..];
            position += count;
        }
    }

    /// <summary>A short name of the book, to show that all processes have the same.</summary>
    internal string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(_book).AsSpan(0, 8));

    private ReadOnlySpan<byte> RestOf(int page, long position) => _book.AsSpan((int)((page + position) % Length));
}
