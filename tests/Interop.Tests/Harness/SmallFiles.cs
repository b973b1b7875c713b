namespace Overlay.Interop.Tests.Harness;

/// <summary>Many small files at a web server, and where their copies go.</summary>
internal sealed class SmallFiles
{
    private readonly List<(string Url, string File, string Sha256)> _files = [];

    private SmallFiles()
    {
    }

    internal IEnumerable<(string Url, string File)> Targets => _files.Select(file => (file.Url, file.File));

    /// <summary>Writes files of 0 to 64 KiB, the empty one and the odd sizes included.</summary>
    internal static async Task<SmallFiles> CreateAsync(Nginx origin, TemporaryFolder copies, int count)
    {
        var files = new SmallFiles();
        var sizes = new Random(2026);
        for (int i = 0; i < count; i++)
        {
            string name = $"small-{i}.bin";
            string sha256 = await TestFiles.WriteAsync(Path.Combine(origin.Root, name), i == 0 ? 0 : sizes.Next(1, 1 << 16), seed: i);
            files._files.Add((origin.Url(name), copies.File(name), sha256));
        }

        return files;
    }

    internal async Task AssertArrivedAsync()
    {
        foreach ((string url, string file, string sha256) in _files)
        {
            Assert.True(File.Exists(file), $"{url} did not arrive.");
            Assert.True(sha256 == await TestFiles.HashAsync(file), $"{url} arrived changed.");
        }
    }
}
