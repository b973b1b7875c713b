using System.Buffers.Binary;

namespace Overlay.Benchmarks.Transport;

/// <summary>What the far end does on a stream; the stream's first bytes say it. The same over every carrier.</summary>
internal static class StreamServices
{
    private const int RequestSize = 17, ReadSize = 64 * 1024;
    private const byte Drain = 1, Echo = 2;

    /// <summary>Takes one request and does what it says until the stream's end.</summary>
    internal static async Task ServeAsync(Stream stream)
    {
        byte[] request = new byte[RequestSize];
        if (await stream.ReadAtLeastAsync(request, RequestSize, throwOnEndOfStream: false) < RequestSize) return;
        long size = BinaryPrimitives.ReadInt64LittleEndian(request.AsSpan(1)), mark = BinaryPrimitives.ReadInt64LittleEndian(request.AsSpan(9));
        await (request[0] == Drain ? DrainAsync(stream, size, mark) : EchoAsync(stream, (int)size, mark));
    }

    /// <summary>Sends <paramref name="size"/> bytes to be thrown away, in writes of <paramref name="block"/>'s size, and waits until all have come.</summary>
    /// <param name="stream">A fresh one.</param>
    /// <param name="size">How many.</param>
    /// <param name="mark">After so many, at least 1 and at most <paramref name="size"/>, the far end says so.</param>
    /// <param name="block">Content, sent again and again.</param>
    /// <param name="marked">Called when the word of the mark has come.</param>
    internal static async Task SendAsync(Stream stream, long size, long mark, byte[] block, Action? marked = null)
    {
        await stream.WriteAsync(Request(Drain, size, mark));
        await Task.WhenAll(
            Task.Run(async () =>
            {
                for (long left = size; left > 0; left -= block.Length) await stream.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)));
                await stream.FlushAsync();
            }),
            Task.Run(async () =>
            {
                byte[] word = new byte[1];
                await stream.ReadExactlyAsync(word);
                marked?.Invoke();
                await stream.ReadExactlyAsync(word);
            }));
    }

    /// <summary>The first message to be echoed, with the request in front of it, to go out in one write; later messages go alone.</summary>
    /// <param name="size">Bytes of every message.</param>
    /// <param name="count">After so many the far end ends the stream; without it, when this end does.</param>
    internal static byte[] FirstEcho(int size, long count = long.MaxValue) => [.. Request(Echo, size, count), .. new byte[size]];

    /// <summary>Waits for the far end's end, so that the stream ends in order and not by a reset, of which peers take only so many.</summary>
    internal static async Task AwaitEndAsync(Stream stream)
    {
        if (await stream.ReadAsync(new byte[1]) != 0) throw new InvalidDataException("The far end sent more than was asked for.");
    }

    private static byte[] Request(byte kind, long size, long mark)
    {
        byte[] request = new byte[RequestSize];
        request[0] = kind;
        BinaryPrimitives.WriteInt64LittleEndian(request.AsSpan(1), size);
        BinaryPrimitives.WriteInt64LittleEndian(request.AsSpan(9), mark);
        return request;
    }

    private static async Task DrainAsync(Stream stream, long size, long mark)
    {
        byte[] buffer = new byte[ReadSize];
        bool isMarked = false;
        for (long received = 0; received < size;)
        {
            int count = await stream.ReadAsync(buffer);
            if (count == 0) throw new EndOfStreamException($"{size - received} bytes are missing.");
            received += count;
            if (isMarked || received < mark) continue;
            isMarked = true;
            await stream.WriteAsync(buffer.AsMemory(0, 1));
        }

        await stream.WriteAsync(buffer.AsMemory(0, 1));
        // The near end leaves first, so that the last word is not overtaken by the end of the connection.
        while (await stream.ReadAsync(buffer) > 0) continue;
    }

    private static async Task EchoAsync(Stream stream, int size, long count)
    {
        byte[] message = new byte[size];
        for (long i = 0; i < count && await stream.ReadAtLeastAsync(message, size, throwOnEndOfStream: false) == size; i++) await stream.WriteAsync(message);
    }
}
