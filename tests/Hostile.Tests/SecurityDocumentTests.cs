using System.Text.RegularExpressions;
using Overlay.TestKit;

namespace Overlay.Hostile.Tests;

/// <summary>Holds the document to the tests that it names.</summary>
public sealed partial class SecurityDocumentTests
{
    [Fact]
    public void Advisories_OfTheDocument_NameTestsThatExist()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "security.md"));
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText)];
        (string Class, string Method)[] named = [.. TestName().Matches(document).Select(match => (match.Groups[1].Value, match.Groups[2].Value)).Distinct()];

        Assert.True(named.Length >= 25, $"The document names {named.Length} tests.");
        Assert.All(named, name => Assert.Contains(sources, source =>
            source.Contains($"class {name.Class}", StringComparison.Ordinal) && Regex.IsMatch(source, $@"\b{name.Method}\(")));
    }

    [Fact]
    public void Advisories_OfTheDocument_AreAtLeastTwentyFive()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "security.md"));
        Assert.True(document.Split('\n').Count(line => line.StartsWith('|') && TestName().IsMatch(line)) >= 25);
    }

    [GeneratedRegex(@"`([A-Z]\w+Tests)\.(\w+)`")]
    private static partial Regex TestName();
}
