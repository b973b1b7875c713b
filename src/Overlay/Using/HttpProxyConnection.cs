using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>One client of the HTTP proxy: its requests one after the other, until one of them is a CONNECT or ends the connection.</summary>
/// <remarks>Every request has a connection to its target of its own. Runs on one logical thread; owns the reader of the client's bytes.</remarks>
internal sealed class HttpProxyConnection(LocalClient client, HttpProxyOptions options, ExitWish defaultWish, TargetDial dial, TimeProvider time, ILogger logger)
{
    private const int ReadSize = 16 * 1024;

    private readonly PipeReader _input = PipeReader.Create(
        new ClientStream(client.Socket), new StreamPipeReaderOptions(bufferSize: ReadSize, minimumReadSize: ReadSize / 4, useZeroByteReads: true));

    /// <summary>Serves the client to its end.</summary>
    public async Task RunAsync()
    {
        try
        {
            TimeSpan patience = options.HandshakeTimeout;
            while (await ServeOneAsync(patience).ConfigureAwait(false)) patience = options.IdleTimeout;
        }
        finally
        {
            await _input.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> ServeOneAsync(TimeSpan patience)
    {
        try
        {
            HttpHead? head = await ReadHeadAsync(patience).ConfigureAwait(false);
            return head is not null && await ServeAsync(head).ConfigureAwait(false);
        }
        catch (HttpFormatException malformed)
        {
            UsingLog.TurnedAway(logger, "HTTP", malformed.Message);
            return await AnswerAsync(new ProxyAnswer(malformed.Status, "http_request_error", malformed.Message), keep: false).ConfigureAwait(false);
        }
    }

    // Null when the client had nothing more to ask.
    private async Task<HttpHead?> ReadHeadAsync(TimeSpan patience)
    {
        var parser = new HttpHeadParser(options);
        using var deadline = new Deadline(patience, time, client.Stopping, client.Aborting);
        bool begun = false;
        try
        {
            while (true)
            {
                ReadResult read = await _input.ReadAsync(deadline.Token).ConfigureAwait(false);
                ReadOnlySequence<byte> rest = read.Buffer;
                if (!begun && !rest.IsEmpty)
                {
                    begun = true;
                    if (patience > options.HandshakeTimeout) deadline.Restart(options.HandshakeTimeout);
                }

                HttpHead? head = parser.Advance(ref rest);
                _input.AdvanceTo(rest.Start, head is null ? read.Buffer.End : rest.Start);
                if (head is not null) return head;
                if (read.IsCompleted) return begun ? throw new IOException("The client left in the middle of its request.") : null;
            }
        }
        catch (OperationCanceledException) when (deadline.IsOver && !client.Stopping.IsCancellationRequested && !client.Aborting.IsCancellationRequested)
        {
            return begun ? throw new HttpFormatException(408, "The request did not arrive in time.") : null;
        }
    }

    private async Task<bool> ServeAsync(HttpHead head)
    {
        RequestLine line = RequestLine.Parse(head.StartLine);
        HttpBody body = HttpBody.OfRequest(head, line.IsHttp11, options);
        int hosts = head.Count("Host");
        if (hosts > 1 || (hosts == 0 && line.IsHttp11)) throw new HttpFormatException(400, "A request has exactly one Host field."); // RFC 9112, section 3.2
        bool keep = line.IsHttp11 && !ForwardedHead.WantsClose(head) && !client.Stopping.IsCancellationRequested;
        bool withBody = line.Method != "HEAD";

        // An answer of our own leaves the body unread: the connection goes on only if there is none.
        bool keepAfterAnswer = keep && body.IsComplete;
        bool isAuthorized = Authorize(head, out ExitWish wish, out string? problem);
        if (!isAuthorized || problem is not null)
            return await AnswerAsync(new ProxyAnswer(407, null, problem ?? "The proxy asks for a user name and a password."), keepAfterAnswer, withBody).ConfigureAwait(false);

        switch (line.Method)
        {
            case "CONNECT":
                // Content of a CONNECT request has no defined meaning (RFC 9110, section 9.3.6), so it can only mislead.
                if (head.Count("Content-Length") + head.Count("Transfer-Encoding") > 0) throw new HttpFormatException(400, "A CONNECT request has no content.");
                return await TunnelAsync(ProxyTarget.ParseAuthority(line.Target), wish, keepAfterAnswer).ConfigureAwait(false);
            case "TRACE":
                return await AnswerAsync(new ProxyAnswer(405, null, "The proxy does not forward TRACE."), keepAfterAnswer).ConfigureAwait(false);
            case "OPTIONS" when head.Single("Max-Forwards") == "0":
                return await AnswerAsync(new ProxyAnswer(200, null, "This is an HTTP proxy."), keepAfterAnswer).ConfigureAwait(false); // RFC 9110, section 7.6.2
            default:
                return await ForwardAsync(line, head, body, wish, keep).ConfigureAwait(false);
        }
    }

    private async Task<bool> TunnelAsync(ProxyTarget where, ExitWish wish, bool keep)
    {
        MeteredStream target;
        try
        {
            target = await dial.ConnectAsync(wish, where.Host, where.Port, client).ConfigureAwait(false);
        }
        catch (ConnectRefusedException refused)
        {
            return await AnswerAsync(ProxyAnswer.For(refused), keep).ConfigureAwait(false);
        }

        await using (target.ConfigureAwait(false))
        {
            await ClientSocket.SendAsync(client.Socket, "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), client.Aborting).ConfigureAwait(false);
            if (_input.TryRead(out ReadResult early))
            {
                foreach (ReadOnlyMemory<byte> segment in early.Buffer) await target.Output.WriteAsync(segment, client.Aborting).ConfigureAwait(false);
                _input.AdvanceTo(early.Buffer.End);
            }

            await SocketPump.RunAsync(client.Socket, target, client.Aborting).ConfigureAwait(false);
        }

        return false;
    }

    private async Task<bool> ForwardAsync(RequestLine line, HttpHead head, HttpBody body, ExitWish wish, bool keep)
    {
        ProxyTarget where = ProxyTarget.ParseAbsolute(line.Method, line.Target);
        byte[] forwarded = ForwardedHead.OfRequest(line, head, where);
        bool keepAfterAnswer = keep && body.IsComplete;
        bool withBody = line.Method != "HEAD";
        MeteredStream target;
        try
        {
            target = await dial.ConnectAsync(wish, where.Host, where.Port, client).ConfigureAwait(false);
        }
        catch (ConnectRefusedException refused)
        {
            return await AnswerAsync(ProxyAnswer.For(refused), keepAfterAnswer, withBody).ConfigureAwait(false);
        }

        var exchange = new HttpExchange(client.Socket, _input, target, options, time);
        ProxyAnswer failure;
        try
        {
            if (await exchange.RunAsync(line, forwarded, body, keep, client.Aborting).ConfigureAwait(false)) return true;
            await ClientSocket.CloseAsync(client.Socket, time, client.Aborting).ConfigureAwait(false);
            return false;
        }
        catch (HttpFormatException malformed) when (malformed.Status != 502 && !exchange.HasAnswered)
        {
            target.Abort("The client's request is malformed.");
            throw;
        }
        catch (Exception error) when (error is HttpFormatException or IOException or TimeoutException or OperationCanceledException)
        {
            target.Abort(error.Message);
            if (exchange.HasAnswered || error is OperationCanceledException)
            {
                // The client must not take what it has for the whole.
                client.Socket.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
                throw new IOException("The exchange ended in the middle.", error);
            }

            failure = error switch
            {
                TimeoutException => new ProxyAnswer(504, "http_response_timeout", error.Message),
                HttpFormatException => new ProxyAnswer(502, "http_protocol_error", error.Message),
                _ => new ProxyAnswer(502, "http_response_incomplete", "The target's connection ended before it answered."),
            };
        }
        finally
        {
            await target.DisposeAsync().ConfigureAwait(false);
        }

        return await AnswerAsync(failure, keep: false, withBody).ConfigureAwait(false);
    }

    private async Task<bool> AnswerAsync(ProxyAnswer answer, bool keep, bool withBody = true)
    {
        byte[] response = answer.Compose(close: !keep, withBody);
        if (keep) await ClientSocket.SendAsync(client.Socket, response, client.Aborting).ConfigureAwait(false);
        else await ClientSocket.SendAndCloseAsync(client.Socket, response, time, client.Aborting).ConfigureAwait(false);
        return keep;
    }

    // RFC 7617: base64 of user name, colon, password.
    /// <summary>Whether the client has shown who it is, where it has to; and what its user name wishes for.</summary>
    private bool Authorize(HttpHead head, out ExitWish wish, out string? problem)
    {
        const string Scheme = "Basic ";
        wish = defaultWish;
        problem = null;
        string? value = head.Single("Proxy-Authorization");
        if (value is null || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return options.Credentials is null;
        byte[] encoded = Encoding.Latin1.GetBytes(value[Scheme.Length..].Trim());
        byte[] decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(encoded.Length)];
        if (Base64.DecodeFromUtf8(encoded, decoded, out _, out int size) != OperationStatus.Done) return options.Credentials is null;
        ReadOnlySpan<byte> pair = decoded.AsSpan(0, size);
        int colon = pair.IndexOf((byte)':');
        if (colon < 0) return options.Credentials is null;
        ReadOnlySpan<byte> user = pair[..colon];
        if (options.Credentials is { } credentials && !credentials.Match(WishWords.NameOf(user), pair[(colon + 1)..])) return false;
        problem = WishWords.Read(user, defaultWish, out wish);
        return true;
    }
}
