using System.Text.RegularExpressions;
using Overlay.TestKit;

namespace Overlay.Packaging.Tests;

/// <summary>What a stranger's clone must not stumble over.</summary>
public sealed partial class HygieneTests
{
    private const int LongFileLines = 500;

    private static readonly string[] s_textFiles = ["*.cs", "*.csproj", "*.props", "*.md", "*.json", "*.mjs", "*.txt", "*.proto", "run", ".npmrc", ".editorconfig"];

    [Fact]
    public void Files_NoneNamesAPathOfSomebodysMachine() => Assert.Empty(LinesMatching(MachinePath()));

    // A lock file with the address of one registry would not restore from another.
    [Fact]
    public void LockFiles_NoneNamesARegistry() =>
        Assert.Empty(LinesMatching(AnyUrl(), "packages.lock.json").Concat(LinesMatching(ResolvedFrom(), "package-lock.json")));

    [Fact]
    public void Sources_LongFile_BeginsWithACommentThatSaysWhy()
    {
        string[] unexplained =
        [
            .. SourceTree.Files("*.cs")
                .Where(file => File.ReadLines(file).Count() > LongFileLines && !File.ReadLines(file).First().StartsWith("//", StringComparison.Ordinal))
                .Select(SourceTree.Name),
        ];

        Assert.Empty(unexplained);
    }

    [Fact]
    public void Sources_NothingIsLeftForLater()
    {
        List<string> left = LinesMatching(LeftForLater(), "*.cs");
        // The pattern itself stands here.
        left.RemoveAll(line => line.StartsWith("tests/Packaging.Tests/", StringComparison.Ordinal));

        Assert.Empty(left);
    }

    [Fact]
    public void DecisionRecords_AreNumberedFromOneWithoutGapOrRepetition()
    {
        string[] names = [.. SourceTree.Files(Path.Combine(Repository.Root, "docs", "adr"), "*.md").Select(file => Path.GetFileName(file))];

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Matches("^[0-9]{4}-[a-z0-9-]+[.]md$", name));
        Assert.Equal(Enumerable.Range(1, names.Length).Select(number => $"{number:D4}"), names.Select(name => name[..4]));
    }

    [Fact]
    public void Changelog_KeepsAChangelogAndHasAnUnreleasedPart() =>
        Assert.Contains("## [Unreleased]", File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md")), StringComparison.Ordinal);

    [Theory]
    [InlineData("dotnet run -c Release --project samples/Node -- demo")]
    [InlineData("dotnet test")]
    public void Readme_NamesTheTwoCommands(string command) =>
        Assert.Contains(command, File.ReadAllLines(Path.Combine(Repository.Root, "README.md")));

    [Fact]
    public void Markdown_LinksToFilesOfTheProject_Lead()
    {
        List<string> broken = [];
        foreach (string file in SourceTree.Files("*.md"))
        {
            foreach (Match link in RelativeLink().Matches(File.ReadAllText(file)))
            {
                string target = Path.Combine(Path.GetDirectoryName(file)!, link.Groups["path"].Value);
                if (!File.Exists(target) && !Directory.Exists(target)) broken.Add($"{SourceTree.Name(file)}: {link.Groups["path"].Value}");
            }
        }

        Assert.Empty(broken);
    }

    [Fact]
    public void SourceProjects_AreDocumentedAndPack()
    {
        foreach (string project in SourceTree.Files(Path.Combine(Repository.Root, "src"), "*.csproj"))
        {
            string documentation = Path.Combine(AppContext.BaseDirectory, AssemblyOf(project) + ".xml");
            Assert.True(File.Exists(documentation), $"{SourceTree.Name(project)} leaves no documentation file.");
            Assert.Contains("<Description>", File.ReadAllText(project), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("// see /" + "root/x", true)]
    [InlineData("\"/" + "work/shared\"", true)]
    [InlineData("https://example.org/root/x", false)]
    [InlineData("docs/work/flow.md", false)]
    public void MachinePath_Pattern_MatchesOnlyAbsolutePaths(string line, bool matches) => Assert.Equal(matches, MachinePath().IsMatch(line));

    private static string AssemblyOf(string project) =>
        AssemblyName().Match(File.ReadAllText(project)) is { Success: true } name ? name.Groups[1].Value : Path.GetFileNameWithoutExtension(project);

    private static List<string> LinesMatching(Regex pattern, params string[] files)
    {
        List<string> found = [];
        foreach (string file in (files.Length == 0 ? s_textFiles : files).SelectMany(SourceTree.Files).Distinct())
        {
            int number = 0;
            foreach (string line in File.ReadLines(file))
            {
                number++;
                if (pattern.IsMatch(line)) found.Add($"{SourceTree.Name(file)}:{number}: {line.Trim()}");
            }
        }

        return found;
    }

    // Absolute, so not a part of a longer path or address.
    [GeneratedRegex(@"(?<![A-Za-z0-9.\-_/])/(work|root|home/[a-z]+)/")]
    private static partial Regex MachinePath();

    [GeneratedRegex("https?://")]
    private static partial Regex AnyUrl();

    [GeneratedRegex("\"resolved\"")]
    private static partial Regex ResolvedFrom();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex LeftForLater();

    [GeneratedRegex(@"\]\((?<path>[^)#:\s]+)(#[^)]*)?\)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex("<AssemblyName>([^<]+)</AssemblyName>")]
    private static partial Regex AssemblyName();
}
