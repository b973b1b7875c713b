using Overlay.TestKit;

namespace Overlay.Packaging.Tests;

/// <summary>The project's own files, without what builds and tools leave between them.</summary>
internal static class SourceTree
{
    private static readonly string[] s_notOurs = ["bin", "obj", "artifacts", "node_modules", ".git", ".vs", ".idea", "TestResults", "BenchmarkDotNet.Artifacts"];

    internal static IEnumerable<string> Files(string pattern) => Files(Repository.Root, pattern);

    internal static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern)
            .Concat(Directory.EnumerateDirectories(folder)
                .Where(child => !s_notOurs.Contains(Path.GetFileName(child)))
                .SelectMany(child => Files(child, pattern)))
            .Order(StringComparer.Ordinal);

    internal static string Name(string file) => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/');
}
