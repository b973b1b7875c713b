using System.Buffers;
using System.IO.Pipelines;

namespace Overlay.Benchmarks.Soak;

/// <summary>Sends content at a pace, and receives it comparing every byte.</summary>
internal sealed class CheckedPipes(SoakContent content, Pace pace)
{
    /// <summary>Sends <paramref name="count"/> bytes from <paramref name="position"/> on in writes of <paramref name="chunk"/> bytes.</summary>
    internal async Task SendAsync(PipeWriter output, int page, long position, long count, int chunk, StallDeadline deadline)
    {
        for (long end = position + count; position < end;)
        {
            int size = (int)Math.Min(end - position, chunk);
            await pace.WaitAsync(size, deadline.Token);
            FlushResult flushed;
            // Both ways of writing, in turn: memory of the stream's own, and memory of the caller's.
            if (position / chunk % 2 == 0)
            {
                content.Fill(output.GetSpan(size)[..size], page, position);
                output.Advance(size);
                flushed = await output.FlushAsync(deadline.Token);
            }
            else
            {
                byte[] block = ArrayPool<byte>.Shared.Rent(size);
                content.Fill(block.AsSpan(0, size), page, position);
                flushed = await output.WriteAsync(block.AsMemory(0, size), deadline.Token);
                ArrayPool<byte>.Shared.Return(block);
            }

            if (flushed.IsCompleted) throw new SoakFault($"the peer takes no more bytes after {position}");
            position += size;
            deadline.Restart();
        }
    }

    /// <summary>Receives exactly <paramref name="count"/> bytes from <paramref name="position"/> on.</summary>
    internal async Task ReceiveAsync(PipeReader input, int page, long position, long count, StallDeadline deadline)
    {
        for (long end = position + count; position < end;)
        {
            ReadResult result = await input.ReadAsync(deadline.Token);
            ReadOnlySequence<byte> taken = result.Buffer.Length > end - position ? result.Buffer.Slice(0, end - position) : result.Buffer;
            foreach (ReadOnlyMemory<byte> segment in taken)
            {
                content.Check(segment.Span, page, position);
                position += segment.Length;
            }

            input.AdvanceTo(taken.End);
            deadline.Restart();
            if (result.IsCompleted && position < end) throw new SoakFault($"the stream ended {end - position} bytes too early");
        }
    }

    /// <summary>Waits for the peer's half-close, in front of which nothing more may come.</summary>
    internal static async Task ExpectEndAsync(PipeReader input, StallDeadline deadline)
    {
        ReadResult result = await input.ReadAsync(deadline.Token);
        long surplus = result.Buffer.Length;
        input.AdvanceTo(result.Buffer.End);
        if (surplus > 0 || !result.IsCompleted) throw new SoakFault($"{surplus} bytes came where the stream should have ended");
    }

    /// <summary>Sends back everything that comes until the peer half-closes, and returns how much that was.</summary>
    internal async Task<long> EchoAsync(PipeReader input, PipeWriter output, int page, StallDeadline deadline)
    {
        long position = 0;
        while (true)
        {
            ReadResult result = await input.ReadAsync(deadline.Token);
            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
            {
                content.Check(segment.Span, page, position);
                output.Write(segment.Span);
                position += segment.Length;
            }

            input.AdvanceTo(result.Buffer.End);
            deadline.Restart();
            await output.FlushAsync(deadline.Token);
            if (result.IsCompleted) return position;
        }
    }
}
