using System.Text.RegularExpressions;
using Overlay.TestKit;

namespace Overlay.Packaging.Tests;

/// <summary>The C# of the README and of the guides is code that compiles: each block is a region of a sample, to the letter.</summary>
public sealed partial class ReadmeCodeTests
{
    [Fact]
    public void CSharpBlocks_OfTheReadmeAndTheGuides_AreRegionsOfTheSamples()
    {
        string[] pages = [Path.Combine(Repository.Root, "README.md"), .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")];
        string[] blocks = [.. pages.SelectMany(page => CSharpBlock().Matches(File.ReadAllText(page))).Select(match => WithoutUsings(match.Groups["code"].Value)).Distinct()];
        string[] regions = [.. SourceTree.Files(Path.Combine(Repository.Root, "samples", "Embedding"), "*.cs").SelectMany(Regions)];

        Assert.NotEmpty(blocks);
        // Both ways: a region that all pages lost is no longer looked at by anybody.
        Assert.Equal(regions.Order(StringComparer.Ordinal), blocks.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void FirstBlock_OfTheReadme_IsTenLines()
    {
        string first = CSharpBlock().Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Groups["code"].Value;

        Assert.InRange(first.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 1, 10);
    }

    private static IEnumerable<string> Regions(string file) =>
        Region().Matches(File.ReadAllText(file)).Select(match => WithoutIndent(match.Groups["code"].Value, match.Groups["indent"].Value));

    private static string WithoutIndent(string code, string indent) =>
        string.Join('\n', code.Split('\n').Select(line => line.StartsWith(indent, StringComparison.Ordinal) ? line[indent.Length..] : line));

    // A sample's file has its using lines at its top.
    private static string WithoutUsings(string code) => Usings().Replace(code, "");

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"^(?<indent> *)#region [a-z]+\n(?<code>.*?)^ *#endregion$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Region();

    [GeneratedRegex(@"\A(using [A-Za-z.]+;\n)+\n")]
    private static partial Regex Usings();
}
