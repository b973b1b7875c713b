using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>The completion scripts in the shells that they are for.</summary>
public class CompletionTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    // Prints what the shell offers after a line that names no file. Each shell is asked by its own means; zsh completes only for somebody at a terminal.
    private const string Bash = """
        source "$FOLDER/script"
        COMP_LINE='overlay ledger ver' COMP_POINT=18 COMP_WORDS=(overlay ledger ver) COMP_CWORD=2
        _overlay
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    private const string Fish = """
        source "$FOLDER/script"
        complete -C 'overlay ledger ver'
        """;

    private const string Zsh = """
        zmodload zsh/zpty
        zpty shell 'TERM=dumb PS1= zsh -f -i'
        zpty -w shell "autoload -Uz compinit; compinit -u -D; LOAD; print REA''DY"
        zpty -r -m shell text '*READY*' || exit 1
        zpty -n -w shell $'overlay ledger ver\t'
        zpty -r -m shell text '*verify *' || exit 1
        print verify
        """;

    // From a folder of functions, as installed; and read by a line in .zshrc.
    private const string ZshInstalled = "fpath=(\\$FOLDER \\$fpath); mv \\$FOLDER/script \\$FOLDER/_overlay; compinit -u -D", ZshSourced = "source \\$FOLDER/script";

    public static TheoryData<string, string, string> Shells => new()
    {
        { "bash", Bash, "--norc" },
        { "fish", Fish, "--no-config" },
        { "zsh", Zsh.Replace("LOAD", ZshInstalled, StringComparison.Ordinal), "-f" },
        { "zsh", Zsh.Replace("LOAD", ZshSourced, StringComparison.Ordinal), "-f" },
    };

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Script_InItsShell_CompletesACommand(string shell, string commands, string argument)
    {
        string program = RealTools.Find(shell), env = RealTools.Find("env");
        using var folder = new TemporaryFolder();
        // The scripts call the program by its name.
        Directory.CreateDirectory(folder.File("bin"));
        File.CreateSymbolicLink(folder.File("bin/overlay"), OverlayCli.Program);
        await using (var script = ChildProcess.Start(OverlayCli.Program, ["completion", shell]))
        {
            Assert.Equal(0, await script.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken));
            await File.WriteAllLinesAsync(folder.File("script"), script.TakeLines(), TestContext.Current.CancellationToken);
        }

        string path = $"PATH={folder.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        await using var asked = ChildProcess.Start(env, [path, $"FOLDER={folder.Path}", $"HOME={folder.Path}", program, argument, "-c", commands]);
        int code = await asked.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken);

        Assert.True(code == 0, $"{shell} ended with {code}:\n{asked.Errors}");
        Assert.Equal(["verify"], asked.TakeLines());
    }
}
