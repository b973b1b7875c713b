namespace Overlay.Interop.Tests.Harness;

/// <summary>A folder of the test's own, gone with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("overlay-").FullName;

    internal string File(string name) => System.IO.Path.Combine(Path, name);

    internal string CreateFolder(string name) => Directory.CreateDirectory(File(name)).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
