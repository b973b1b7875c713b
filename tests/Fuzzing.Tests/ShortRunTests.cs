using Overlay.Fuzzing.Engine;

namespace Overlay.Fuzzing.Tests;

/// <summary>A short run of each target with every build; long ones are of <c>fuzz.sh</c>.</summary>
public sealed class ShortRunTests
{
    public static TheoryData<string> Targets => CorpusTests.Targets;

    [Theory]
    [MemberData(nameof(Targets))]
    public void Target_ThousandMutationsOfItsCorpus_NothingIsFound(string name)
    {
        FuzzTarget target = FuzzTargets.Find(name)!;
        byte[][] corpus = [.. Corpus.Read(Corpus.FolderOf(target)).Select(input => input.Bytes)];
        var loop = new FuzzLoop(target, new FuzzLoopOptions { Executions = corpus.Length + 1000, Seed = 20 });

        FuzzReport report = loop.Run(corpus, TestContext.Current.CancellationToken);

        Assert.True(report.Findings.Count == 0, string.Join(Environment.NewLine, report.Findings.Select(finding => $"{finding.Error} for {Convert.ToHexStringLower(finding.Input)}")));
    }
}
