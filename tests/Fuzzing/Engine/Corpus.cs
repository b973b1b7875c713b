using System.Security.Cryptography;

namespace Overlay.Fuzzing.Engine;

/// <summary>The inputs kept for a target: files in a folder, named by their content, or for what they once broke.</summary>
internal static class Corpus
{
    private const string Regression = "regression-";

    /// <summary>The folder of a target's inputs in the repository.</summary>
    internal static string FolderOf(FuzzTarget target) => Path.Combine(Root, target.Name);

    /// <summary>The folder with one folder for each target.</summary>
    internal static string Root { get; } = Path.Combine(FindRepository(), "tests", "Fuzzing", "corpus");

    /// <summary>The inputs in <paramref name="folder"/> in the order of their names; none when there is no such folder.</summary>
    internal static IEnumerable<(string Name, byte[] Bytes)> Read(string folder)
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)) yield return (Path.GetFileName(file), File.ReadAllBytes(file));
    }

    /// <summary>Keeps an input under a name made of its content.</summary>
    internal static string Write(string folder, ReadOnlySpan<byte> input, string prefix = "")
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, prefix + Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 8)));
        File.WriteAllBytes(path, input);
        return path;
    }

    /// <summary>Whether an input is kept for what it once broke, and so whatever it reaches now.</summary>
    internal static bool IsRegression(string name) => name.StartsWith(Regression, StringComparison.Ordinal);

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Overlay.sln"))) return folder.FullName;
        throw new InvalidOperationException("Overlay.sln was not found above the program's folder.");
    }
}
