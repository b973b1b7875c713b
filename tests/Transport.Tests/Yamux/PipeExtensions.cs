using System.Buffers;
using System.IO.Pipelines;

namespace Overlay.Transport.Tests.Yamux;

internal static class PipeExtensions
{
    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    internal static async Task<byte[]> ReadExactlyAsync(this PipeReader reader, int count)
    {
        ReadResult result = await reader.ReadAtLeastAsync(count, TestContext.Current.CancellationToken);
        Assert.True(result.Buffer.Length >= count, "The input ended early.");
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, count);
        byte[] bytes = taken.ToArray();
        reader.AdvanceTo(taken.End);
        return bytes;
    }

    /// <summary>Reads to the end, consuming whatever comes.</summary>
    internal static async Task<byte[]> ReadToEndAsync(this PipeReader reader)
    {
        using MemoryStream all = new();
        while (true)
        {
            ReadResult result = await reader.ReadAsync(TestContext.Current.CancellationToken);
            foreach (ReadOnlyMemory<byte> part in result.Buffer) all.Write(part.Span);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return all.ToArray();
        }
    }
}
