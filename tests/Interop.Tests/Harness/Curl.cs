using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Runs the real curl.</summary>
internal static class Curl
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>Arguments that send everything through a SOCKS5 proxy which resolves names itself.</summary>
    internal static string[] ThroughSocks(string proxy) => ["--proxy", $"socks5h://{proxy}"];

    /// <summary>Arguments that send plain requests through an HTTP proxy.</summary>
    internal static string[] ThroughHttp(string proxy) => ["--proxy", $"http://{proxy}"];

    /// <summary>Arguments that open a tunnel through an HTTP proxy with CONNECT, whatever the URL.</summary>
    internal static string[] ThroughConnect(string proxy) => ["--proxy", $"http://{proxy}", "--proxytunnel"];

    /// <summary>Fetches one URL without keeping it: its hash, its size, and what curl says of the transfer.</summary>
    internal static async Task<CurlResult> FetchAsync(string url, params string[] arguments)
    {
        using Process process = Start(["--write-out", "%{stderr}%{json}\\n", .. arguments, url]);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(s_patience);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[1 << 18];
            var start = new MemoryStream();
            int count;
            while ((count = await process.StandardOutput.BaseStream.ReadAsync(buffer, deadline.Token)) != 0)
            {
                hash.AppendData(buffer, 0, count);
                if (start.Length < 4096) start.Write(buffer, 0, (int)Math.Min(count, 4096 - start.Length));
            }

            await process.WaitForExitAsync(deadline.Token);
            string said = await errors;
            return new CurlResult(process.ExitCode, Convert.ToHexStringLower(hash.GetHashAndReset()), Encoding.UTF8.GetString(start.ToArray()), said, said);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>Fetches many URLs with one curl, sixteen at a time, into files of the same order.</summary>
    internal static async Task<CurlResult> FetchManyAsync(IEnumerable<(string Url, string File)> targets, string listFile, params string[] arguments)
    {
        StringBuilder list = new();
        foreach ((string url, string file) in targets) list.Append("url = \"").Append(url).Append("\"\noutput = \"").Append(file).Append("\"\n");
        await File.WriteAllTextAsync(listFile, list.ToString(), TestContext.Current.CancellationToken);
        using Process process = Start(["--write-out", "%{json}\\n", .. arguments, "--parallel", "--parallel-max", "16", "--config", listFile]);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(s_patience);
        try
        {
            Task<string> reports = process.StandardOutput.ReadToEndAsync(deadline.Token);
            string errors = await process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new CurlResult(process.ExitCode, "", "", errors, await reports);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    // curl's own report, one JSON object a line, goes to stderr where stdout is the body, and to stdout where the bodies go to files: a parallel curl
    // draws its progress on stderr even when told to be silent. An empty --noproxy list keeps a no_proxy variable of the environment from
    // letting loopback past the proxy.
    private static Process Start(IEnumerable<string> arguments)
    {
        string[] always = ["--disable", "--silent", "--show-error", "--noproxy", ""];
        var start = new ProcessStartInfo(RealTools.Find("curl"), always.Concat(arguments))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("curl did not start.");
    }
}

/// <summary>How a run of curl ended.</summary>
/// <param name="ExitCode">curl's own; 0 when every transfer went well.</param>
/// <param name="BodySha256">Of the body of a single transfer, lower-case hexadecimal.</param>
/// <param name="Text">Up to the first 4096 bytes of what came.</param>
/// <param name="Errors">Its stderr.</param>
/// <param name="ReportLines">Where its reports are, one JSON object a line, among other lines.</param>
internal sealed record CurlResult(int ExitCode, string BodySha256, string Text, string Errors, string ReportLines)
{
    /// <summary>The report of each transfer.</summary>
    internal IReadOnlyList<JsonElement> Reports { get; } =
        [.. ReportLines.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonElement.Parse(line))];

    internal int HttpStatus => Reports[0].GetProperty("http_code").GetInt32();

    /// <summary>The proxy's answer to CONNECT.</summary>
    internal int ConnectStatus => Reports[0].GetProperty("http_connect").GetInt32();

    /// <summary>Bytes that the transfers put on their connections: request lines and headers, response headers, bodies.</summary>
    internal long PayloadBytes => BytesUp + BytesDown;

    internal long BytesUp => Reports.Sum(report => report.GetProperty("size_request").GetInt64() + report.GetProperty("size_upload").GetInt64());

    internal long BytesDown => Reports.Sum(report => report.GetProperty("size_header").GetInt64() + report.GetProperty("size_download").GetInt64());
}
