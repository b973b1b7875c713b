using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Overlay.Sessions;
using Overlay.Transport.Tcp;

namespace Overlay.Using;

/// <summary>One plain request and its response on their way between a local client and a target.</summary>
/// <remarks>
/// Request body and response travel at the same time: a target may answer before it has read everything, or ask for the body first (100 Continue). Owns the
/// upload's task, which has ended when <see cref="RunAsync"/> does. The bodies pass byte for byte, framing included.
/// </remarks>
internal sealed class HttpExchange(TcpSocket client, PipeReader fromClient, MeteredStream target, HttpProxyOptions options, TimeProvider time)
{
    private const int MaxInterimResponses = 16;

    // Set by the upload before it sends the body's last bytes, so that it is seen by whoever sees an answer to them.
    private volatile bool _bodyTaken;
    private Exception? _uploadError;

    /// <summary>Whether a final response has begun to go to the client: from then on, nothing else can.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Runs to the end of the response.</summary>
    /// <param name="line">The request line as the client sent it.</param>
    /// <param name="head">The head to send to the target.</param>
    /// <param name="body">The body that follows in the client's bytes.</param>
    /// <param name="keep">Whether the client's connection may stay open.</param>
    /// <param name="cancellationToken">Ends everything.</param>
    /// <returns>Whether the client's connection can take another request.</returns>
    /// <exception cref="HttpFormatException">Status 400: the request's body is malformed. Status 502: the response is.</exception>
    /// <exception cref="TimeoutException">The target did not answer, or stopped in the middle of it.</exception>
    /// <exception cref="IOException">The target's connection ended early.</exception>
    /// <exception cref="OperationCanceledException">The client left, or <paramref name="cancellationToken"/> said so.</exception>
    public async Task<bool> RunAsync(RequestLine line, byte[] head, HttpBody body, bool keep, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var deadline = new Deadline(options.ResponseTimeout, time, ended.Token);
        Task<bool> upload = UploadAsync(head, body, deadline, ended);
        bool again = false;
        try
        {
            again = await DownloadAsync(line, keep, deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_uploadError is HttpFormatException malformed)
        {
            throw malformed;
        }
        catch (OperationCanceledException) when (deadline.IsOver && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The target did not answer in time.");
        }
        finally
        {
            // A response that is over, and does not leave the connection open, has no use for the rest of its request.
            if (!again) await ended.CancelAsync().ConfigureAwait(false);
            again &= await upload.ConfigureAwait(false);
        }

        return again;
    }

    // True when all of the request went to the target. Never throws.
    private async Task<bool> UploadAsync(byte[] head, HttpBody body, Deadline deadline, CancellationTokenSource ended)
    {
        bool readingClient = false;
        try
        {
            _bodyTaken = body.IsComplete;
            await SendToTargetAsync(new ReadOnlySequence<byte>(head), deadline.Token).ConfigureAwait(false);
            while (!body.IsComplete)
            {
                deadline.Restart();
                readingClient = true;
                ReadResult read = await fromClient.ReadAsync(deadline.Token).ConfigureAwait(false);
                ReadOnlySequence<byte> part = Take(body, read);
                readingClient = false;
                if (body.IsComplete) _bodyTaken = true;
                await SendToTargetAsync(part, deadline.Token).ConfigureAwait(false);
                fromClient.AdvanceTo(part.End);
            }

            return true;
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or HttpFormatException)
        {
            // A target that takes no more may still answer. A client that left, or that makes no sense, ends it all.
            if (readingClient)
            {
                _uploadError = error;
                await ended.CancelAsync().ConfigureAwait(false);
            }

            return false;
        }
    }

    private async Task<bool> DownloadAsync(RequestLine line, bool keep, Deadline deadline)
    {
        (StatusLine status, HttpHead head) = await ReadFinalHeadAsync(line, deadline).ConfigureAwait(false);
        HttpBody body = HttpBody.OfResponse(head, status, line.Method, options);
        bool close = !keep || !_bodyTaken || body.EndsWithConnection;
        byte[] forwarded = ForwardedHead.OfResponse(status, head, close);
        HasAnswered = true;
        await ClientSocket.SendAsync(client, forwarded, deadline.Token).ConfigureAwait(false);
        while (!body.IsComplete)
        {
            deadline.Restart();
            ReadResult read = await target.Input.ReadAsync(deadline.Token).ConfigureAwait(false);
            if (body.EndsWithConnection && read.IsCompleted && read.Buffer.IsEmpty) break;
            ReadOnlySequence<byte> part = Take(body, read);
            foreach (ReadOnlyMemory<byte> segment in part) await ClientSocket.SendAsync(client, segment, deadline.Token).ConfigureAwait(false);
            target.Input.AdvanceTo(part.End);
        }

        return !close;
    }

    private async Task<(StatusLine Status, HttpHead Head)> ReadFinalHeadAsync(RequestLine line, Deadline deadline)
    {
        for (int interim = 0; interim <= MaxInterimResponses; interim++)
        {
            HttpHead head = await ReadHeadAsync(deadline.Token).ConfigureAwait(false);
            StatusLine status = StatusLine.Parse(head.StartLine);
            if (status.Status >= 200) return (status, head);
            if (status.Status == 101) throw new HttpFormatException(502, "The target switches protocols without having been asked to.");

            // RFC 9110, section 15.2: an HTTP/1.0 client knows no interim responses.
            if (line.IsHttp11) await ClientSocket.SendAsync(client, ForwardedHead.OfResponse(status, head, close: false), deadline.Token).ConfigureAwait(false);
            deadline.Restart();
        }

        throw new HttpFormatException(502, "The target sends one interim response after the other.");
    }

    private async Task<HttpHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var parser = new HttpHeadParser(options);
        while (true)
        {
            ReadResult read = await target.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> rest = read.Buffer;
            HttpHead? head = Advance(parser, ref rest);
            target.Input.AdvanceTo(rest.Start, head is null ? read.Buffer.End : rest.Start);
            if (head is not null) return head;
            if (read.IsCompleted || read.IsCanceled) throw new IOException("The target closed the connection before it answered.");
        }
    }

    // The same faults as in a request, but not the client's.
    private static HttpHead? Advance(HttpHeadParser parser, ref ReadOnlySequence<byte> rest)
    {
        try
        {
            return parser.Advance(ref rest);
        }
        catch (HttpFormatException malformed)
        {
            throw new HttpFormatException(502, "The target's answer is malformed: " + malformed.Message);
        }
    }

    private async ValueTask SendToTargetAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            FlushResult flushed = await target.Output.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled) throw new IOException("The target takes no more bytes.");
        }
    }

    // What of the bytes read belongs to the body.
    private static ReadOnlySequence<byte> Take(HttpBody body, ReadResult read)
    {
        if (read.IsCanceled) throw new OperationCanceledException();
        if (read.IsCompleted && read.Buffer.IsEmpty) throw new IOException("The connection ended in the middle of a message.");
        long taken = 0;
        foreach (ReadOnlyMemory<byte> segment in read.Buffer)
        {
            if (body.IsComplete) break;
            taken += body.Take(segment.Span);
        }

        return read.Buffer.Slice(0, taken);
    }
}
