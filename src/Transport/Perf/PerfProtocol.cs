using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Perf;

/// <summary>The perf protocol: upload some bytes, then download as many as asked for (libp2p perf specification). Served only when switched on.</summary>
internal static class PerfProtocol
{
    internal const string Id = "/perf/1.0.0";

    /// <summary>How many perf streams of one connection are served at a time: each holds a full send buffer while its peer takes nothing. Peers measure with a hundred.</summary>
    internal const int MaxInboundStreams = 128;

    // Copied, not written in place: a writer that is asked for room of this size has to give it, also where a connection may hold no more.
    private static readonly byte[] s_chunk = new byte[64 * 1024];

    /// <summary>Serves one run: drains the upload, then sends the bytes that were asked for.</summary>
    internal static async Task AnswerAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        ReadResult head = await stream.Input.ReadAtLeastAsync(sizeof(ulong), cancellationToken).ConfigureAwait(false);
        if (head.Buffer.Length < sizeof(ulong))
        {
            stream.Abort("The perf stream ended before its header.");
            return;
        }

        ulong download = ReadHeader(head.Buffer);
        stream.Input.AdvanceTo(head.Buffer.GetPosition(sizeof(ulong)));
        await DrainAsync(stream.Input, null, cancellationToken).ConfigureAwait(false);
        await SendAsync(stream.Output, download, null, cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Runs one measurement as the client.</summary>
    /// <param name="stream">A fresh perf stream.</param>
    /// <param name="upload">Bytes to send.</param>
    /// <param name="download">Bytes to ask for.</param>
    /// <param name="time">Measures the two directions.</param>
    /// <param name="progress">Told of every piece that was handed on or has arrived, in bytes since the last report; or null.</param>
    /// <param name="cancellationToken">Gives up; the caller then disposes the stream.</param>
    /// <exception cref="ConnectionException">The peer sent another number of bytes than asked for.</exception>
    internal static async ValueTask<PerfResult> RunAsync(
        PeerStream stream, ulong upload, ulong download, TimeProvider time, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        BinaryPrimitives.WriteUInt64BigEndian(stream.Output.GetSpan(sizeof(ulong)), download);
        stream.Output.Advance(sizeof(ulong));
        await SendAsync(stream.Output, upload, progress, cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);

        // The server begins its answer only after the whole upload, so the first byte (or the end) says that the upload has arrived.
        ReadResult first = await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        stream.Input.AdvanceTo(first.Buffer.Start);
        long uploaded = time.GetTimestamp();
        ulong received = await DrainAsync(stream.Input, progress, cancellationToken).ConfigureAwait(false);
        if (received != download)
            throw new ConnectionException(ConnectionError.ProtocolViolation, ConnectionStep.Stream, Fault.Peer, $"The peer sent {received} bytes where {download} were asked for.") { Peer = stream.RemotePeer };
        return new PerfResult(time.GetElapsedTime(start, uploaded), time.GetElapsedTime(uploaded));
    }

    private static async ValueTask SendAsync(PipeWriter output, ulong count, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        if (count == 0) await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        while (count > 0)
        {
            int size = (int)Math.Min(count, (ulong)s_chunk.Length);
            count -= (ulong)size;
            FlushResult flushed = await output.WriteAsync(s_chunk.AsMemory(0, size), cancellationToken).ConfigureAwait(false);
            if (flushed.IsCompleted) throw new ConnectionException(ConnectionError.StreamReset, ConnectionStep.Stream, Fault.Peer, "The peer takes no more bytes.");
            progress?.Report(size);
        }
    }

    private static async ValueTask<ulong> DrainAsync(PipeReader input, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ulong total = 0;
        while (true)
        {
            ReadResult result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            long size = result.Buffer.Length;
            total += (ulong)size;
            input.AdvanceTo(result.Buffer.End);
            if (size > 0) progress?.Report(size);
            if (result.IsCompleted) return total;
        }
    }

    private static ulong ReadHeader(ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[sizeof(ulong)];
        buffer.Slice(0, sizeof(ulong)).CopyTo(header);
        return BinaryPrimitives.ReadUInt64BigEndian(header);
    }
}
