using System.Text.Json;
using Xunit;

namespace Overlay.TestKit;

/// <summary>Where the tests find the project's own files and the shared spec vectors.</summary>
public static class Repository
{
    /// <summary>The folder that holds <c>Overlay.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>True under CI, where a missing tool or vector is a failure and not a reason to skip.</summary>
    public static bool IsContinuousIntegration { get; } =
        string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens a JSON file of spec vectors; skips the calling test (fails it under CI) when the folder is not there.</summary>
    public static JsonDocument OpenVectors(string fileName)
    {
        string path = Path.Combine(Root, "..", "shared", "vectors", fileName);
        if (!File.Exists(path)) SkipOrFail($"the spec vectors are not beside this clone ({fileName})");
        return JsonDocument.Parse(File.ReadAllBytes(path));
    }

    /// <summary>Skips the calling test with a reason; under CI fails it with the same words.</summary>
    public static void SkipOrFail(string reason)
    {
        if (IsContinuousIntegration) Assert.Fail($"Missing under CI: {reason}");
        Assert.Skip(reason);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Overlay.sln"))) return folder.FullName;
        throw new InvalidOperationException("Overlay.sln was not found above the test's folder.");
    }
}
