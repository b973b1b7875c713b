using Overlay.Fuzzing.Engine;

namespace Overlay.Fuzzing.Tests;

/// <summary>Every input that is kept, seeds and what coverage and faults once led to, as ordinary tests.</summary>
public sealed class CorpusTests
{
    private const int MaxCount = 400;
    private const long MaxTotalSize = 2 * 1024 * 1024;

    // Far above what a whole corpus takes. An input that never ends fails here and does not hold up the rest.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Target_EveryInputOfItsCorpus_KeepsInvariantsAndLimits(string name)
    {
        FuzzTarget target = FuzzTargets.Find(name)!;
        List<string> findings = [];
        string last = "";
        int accepted = 0, refused = 0;
        var replay = new Thread(() =>
        {
            var execution = new Execution(target, TimeProvider.System);
            foreach (byte[] seed in target.Seeds) execution.Run(seed);
            foreach ((string input, byte[] bytes) in Corpus.Read(Corpus.FolderOf(target)))
            {
                last = input;
                try
                {
                    if (execution.Run(bytes).Accepted) accepted++;
                    else refused++;
                }
#pragma warning disable CA1031 // Whatever escapes is a finding.
                catch (Exception error)
#pragma warning restore CA1031
                {
                    findings.Add($"{input}: {error}");
                }
            }
        })
        {
            IsBackground = true,
        };
        replay.Start();

        Assert.True(replay.Join(s_patience), $"{name}/{last} does not end.");
        Assert.True(findings.Count == 0, string.Join(Environment.NewLine, findings));
        // A corpus of one kind alone would not show that a target has come to accept everything, or nothing.
        Assert.True(accepted > 0 && refused > 0, $"{accepted} inputs are accepted, {refused} refused.");
    }

    [Fact]
    public void Corpora_AreThoseOfTheTargetsAndSmall()
    {
        string[] folders = [.. Directory.EnumerateDirectories(Corpus.Root).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
        Assert.Equal(FuzzTargets.All.Select(target => target.Name).Order(StringComparer.Ordinal), folders);
        Assert.All(FuzzTargets.All, target => Assert.InRange(Directory.GetFiles(Corpus.FolderOf(target)).Length, 2, MaxCount));
        Assert.InRange(Directory.EnumerateFiles(Corpus.Root, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length), 1, MaxTotalSize);
    }
}
