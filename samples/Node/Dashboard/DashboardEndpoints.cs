using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Overlay.Proofs;

namespace Overlay.Node.Dashboard;

/// <summary>What can be asked for. Reading is GET and changes nothing; changing is POST, from the page itself.</summary>
internal sealed class DashboardEndpoints(
    IDashboardNode node, DashboardFeed feed, DashboardGuard guard, TimeProvider time, ILogger logger, CancellationToken stopping)
{
    /// <summary>Refusals that the log is told of in a minute: another site's page that asks in a loop must not fill a disk.</summary>
    internal const int MaxLoggedRefusals = 100;


    private const string Json = "application/json";

    // No script, style or request but of this address; no frame around it.
    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly Lock _lock = new(); // guards the two
    private long _minute;
    private int _logged;

    internal async Task HandleAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        try
        {
            await DispatchAsync(context);
        }
        catch (BadHttpRequestException e)
        {
            await SayAsync(context, e.StatusCode, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested || context.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked is gone, or the node goes.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            // What the node could not do, limits that cannot be written say, the owner is to read.
            DashboardLog.RequestFailed(logger, e);
            await SayAsync(context, StatusCodes.Status500InternalServerError, Output.PlainText.OneLine(e.Message));
        }
    }

    private async Task DispatchAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (DashboardGuard.ObjectToOrigin(context.Request) is { } objection) await RefuseAsync(context, objection);
        else if (PageFile.Find(path) is { } file) await (IsMethod(context, HttpMethods.Get) ? file.SendAsync(context.Response) : RefuseMethodAsync(context, HttpMethods.Get));
        else if (path == "/session") await (IsMethod(context, HttpMethods.Post) ? OpenAsync(context) : RefuseMethodAsync(context, HttpMethods.Post));
        else if (!guard.HasCookie(context.Request)) await RefuseAsync(context, "no token");
        else if (!path.StartsWith(guard.Base, StringComparison.Ordinal)) await SayAsync(context, StatusCodes.Status404NotFound, "There is no such page.");
        else await DispatchInsideAsync(context, path[guard.Base.Length..]);
    }

    private Task DispatchInsideAsync(HttpContext context, string name)
    {
        (string Method, Func<HttpContext, Task> Work)? endpoint = name switch
        {
            "events" => (HttpMethods.Get, StreamAsync),
            "sessions" => (HttpMethods.Get, SessionsAsync),
            "receipts" => (HttpMethods.Get, ReceiptsAsync),
            "limits" when node.Controls is not null => (HttpMethods.Post, LimitsAsync),
            "pause" when node.Controls is not null => (HttpMethods.Post, request => node.Controls.PauseAsync(request.RequestAborted)),
            "resume" when node.Controls is not null => (HttpMethods.Post, request => node.Controls.ResumeAsync(request.RequestAborted)),
            _ => null,
        };
        if (endpoint is not { } found) return SayAsync(context, StatusCodes.Status404NotFound, "There is no such page.");
        return IsMethod(context, found.Method) ? found.Work(context) : RefuseMethodAsync(context, found.Method);
    }

    /// <summary>Takes the token and gives a cookie for it.</summary>
    private async Task OpenAsync(HttpContext context)
    {
        if (!guard.IsToken(await ReadBodyAsync(context)))
        {
            await RefuseAsync(context, "a wrong token");
            return;
        }

        guard.GiveCookie(context.Response);
        await SendAsync(context, new OpenedModel(guard.Base), DashboardJson.Default.OpenedModel);
    }

    /// <summary>The node's state once a second, as server-sent events (WHATWG HTML, 9.2).</summary>
    private async Task StreamAsync(HttpContext context)
    {
        using DashboardFeed.Page? page = feed.TryOpen();
        if (page is null)
        {
            context.Response.Headers.RetryAfter = "10";
            await SayAsync(context, StatusCodes.Status503ServiceUnavailable, $"{DashboardOptions.MaxStreams} pages are open already.");
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync(stop.Token);
        while (await page.ReadAsync(stop.Token) is { } told)
        {
            await context.Response.Body.WriteAsync("data: "u8.ToArray(), stop.Token);
            await context.Response.Body.WriteAsync(told, stop.Token);
            await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), stop.Token);
            await context.Response.Body.FlushAsync(stop.Token);
        }
    }

    private async Task SessionsAsync(HttpContext context)
    {
        if (!TryReadBefore(context.Request, out long? before)) await SayAsync(context, StatusCodes.Status400BadRequest, "'before' takes a number.");
        else
        {
            LedgerSessionsModel page = LedgerPages.Of(await node.FindSessionsAsync(before, DashboardOptions.PageSize, context.RequestAborted));
            await SendAsync(context, page, DashboardJson.Default.LedgerSessionsModel);
        }
    }

    private async Task ReceiptsAsync(HttpContext context)
    {
        string? session = context.Request.Query["session"];
        if (!TryReadBefore(context.Request, out long? before) || session is not { Length: 2 * Digest.Size } || !session.All(char.IsAsciiHexDigit))
            await SayAsync(context, StatusCodes.Status400BadRequest, "'session' takes 64 hexadecimal digits, 'before' a number.");
        else
        {
            var id = new Digest(Convert.FromHexString(session));
            LedgerReceiptsModel page = LedgerPages.Of(await node.FindReceiptsAsync(id, before, DashboardOptions.PageSize, context.RequestAborted));
            await SendAsync(context, page, DashboardJson.Default.LedgerReceiptsModel);
        }
    }

    private async Task LimitsAsync(HttpContext context)
    {
        CapsModel? model = null;
        try
        {
            model = JsonSerializer.Deserialize(await ReadBodyAsync(context), DashboardJson.Default.CapsModel);
        }
        catch (JsonException)
        {
            // As good as none.
        }

        if (model is null || DashboardState.Read(model) is not { } caps)
        {
            await SayAsync(context, StatusCodes.Status400BadRequest, "Limits are numbers above zero, or null for none.");
            return;
        }

        await node.Controls!.SetCapsAsync(caps, context.RequestAborted);
    }

    /// <summary>Says no, and the log why.</summary>
    private Task RefuseAsync(HttpContext context, string reason)
    {
        HttpRequest request = context.Request;
        if (MayLog()) DashboardLog.Refused(logger, Short(request.Method), Short(request.Path), context.Connection.RemoteIpAddress?.ToString(), reason);
        return SayAsync(context, StatusCodes.Status403Forbidden, "Open the address that 'overlay run' printed.");
        static string Short(string text) => Output.PlainText.OneLine(text.Length > 64 ? text[..64] + "…" : text);
    }

    private bool MayLog()
    {
        long minute = (long)time.GetElapsedTime(0).TotalMinutes;
        lock (_lock)
        {
            if (minute != _minute) (_minute, _logged) = (minute, 0);
            return _logged++ < MaxLoggedRefusals;
        }
    }

    private static Task RefuseMethodAsync(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return SayAsync(context, StatusCodes.Status405MethodNotAllowed, $"That takes {allowed}.");
    }

    private static Task SayAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return SendAsync(context, new ErrorModel(text), DashboardJson.Default.ErrorModel);
    }

    private static async Task SendAsync<T>(HttpContext context, T model, JsonTypeInfo<T> type)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(model, type);
        context.Response.ContentType = Json;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>The body, which the server cuts off at <see cref="DashboardOptions.MaxBodySize"/>.</summary>
    private static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    private static bool TryReadBefore(HttpRequest request, out long? before)
    {
        before = null;
        string? text = request.Query["before"];
        if (text is null) return true;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return false;
        before = number;
        return true;
    }

    private static bool IsMethod(HttpContext context, string method) => HttpMethods.Equals(context.Request.Method, method);
}
