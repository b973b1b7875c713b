using Microsoft.AspNetCore.Http;

namespace Overlay.Node.Dashboard;

/// <summary>A file of the page, out of the program itself. They hold nothing that is anybody's: whoever asks gets them.</summary>
internal sealed class PageFile
{
    private static readonly Dictionary<string, PageFile> s_files = new(StringComparer.Ordinal)
    {
        ["/"] = new("dashboard.html", "text/html; charset=utf-8"),
        ["/dashboard.css"] = new("dashboard.css", "text/css; charset=utf-8"),
        ["/dashboard.js"] = new("dashboard.js", "text/javascript; charset=utf-8"),
        ["/icon.svg"] = new("icon.svg", "image/svg+xml"),
    };

    private readonly string _type;
    private readonly Lazy<byte[]> _content;

    private PageFile(string name, string type)
    {
        _type = type;
        _content = new Lazy<byte[]>(() => Read(name));
    }

    /// <summary>The file at a path, or null.</summary>
    internal static PageFile? Find(string path) => s_files.GetValueOrDefault(path);

    internal async Task SendAsync(HttpResponse response)
    {
        response.ContentType = _type;
        response.ContentLength = _content.Value.Length;
        await response.Body.WriteAsync(_content.Value, response.HttpContext.RequestAborted);
    }

    private static byte[] Read(string name)
    {
        using Stream resource = typeof(PageFile).Assembly.GetManifestResourceStream(name)!;
        byte[] content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }
}
