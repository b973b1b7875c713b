using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Overlay.Node.Configuration;

namespace Overlay.Node.Commands;

/// <summary><c>overlay completion</c>: the script by which a shell completes commands and options; what there is to choose it asks the program itself, by <c>overlay suggest</c>.</summary>
internal static class CompletionCommand
{
    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    private static readonly string[] s_scripts =
    [
        """
        _overlay() {
          local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}" IFS=$'\n'
          COMPREPLY=($(compgen -W "$(overlay suggest -- "$line" 2>/dev/null)" -- "$word"))
          [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
        }
        complete -F _overlay overlay

        """,
        """
        #compdef overlay
        _overlay() {
          local -a words
          words=(${(f)"$(overlay suggest -- "${BUFFER[1,CURSOR]}" 2>/dev/null)"})
          if (( ${#words} )); then compadd -- $words; else _files; fi
        }
        # Read from a folder of functions, it is the function's first call; read by itself, there is one to define.
        if [ "$funcstack[1]" = "_overlay" ]; then _overlay; else compdef _overlay overlay; fi

        """,
        """
        complete -c overlay -f -a '(overlay suggest -- (commandline -cp) 2>/dev/null)'

        """,
    ];

    internal static Command Create(CommandTree tree)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        var command = new Command("completion", "Print the script that lets a shell complete commands and options.") { shell };
        return tree.Complete(
            command,
            async invocation =>
            {
                string name = invocation.Get(shell);
                int known = Array.IndexOf(s_shells, name);
                if (known < 0) throw new UsageException($"SHELL cannot be '{name}': it takes {string.Join(", ", s_shells)}; the nearest is '{NearestName.Among(s_shells, name)}'.");
                await invocation.WriteFileTextAsync(s_scripts[known].ReplaceLineEndings("\n"));
                return ExitCode.Done;
            },
            "overlay completion bash > /etc/bash_completion.d/overlay",
            "overlay completion zsh > \"${fpath[1]}/_overlay\"",
            "overlay completion fish > ~/.config/fish/completions/overlay.fish");
    }

    /// <summary>What may follow on a command line, one a line. For the scripts, hence not in the help.</summary>
    internal static Command CreateSuggest(CommandTree tree, Command root)
    {
        var line = new Argument<string>("LINE") { Description = "The command line up to the cursor." };
        var command = new Command("suggest", "Print what may follow on a command line.") { line };
        command.Hidden = true;
        return tree.Complete(
            command,
            async invocation =>
            {
                string typed = invocation.Get(line);
                var text = new StringBuilder();
                foreach (string label in Of(root, typed)) text.Append(CultureInfo.InvariantCulture, $"{label}\n");
                await invocation.WriteFileTextAsync(text.ToString());
                return ExitCode.Done;
            },
            "overlay suggest -- \"overlay ledger \"");
    }

    private static IEnumerable<string> Of(Command root, string typed)
    {
        string[] words = [.. CommandLineParser.SplitCommandLine(typed)];
        bool isNewWord = typed.Length > 0 && char.IsWhiteSpace(typed[^1]);
        // The program's own name stands first, whatever path it was called by.
        string[] before = [.. words.Skip(1)];
        string last = isNewWord || before.Length == 0 ? "" : before[^1];
        ParseResult parsed = root.Parse(last.Length > 0 ? before[..^1] : before);
        return parsed.CommandResult.Command.GetCompletions(CompletionContext.Empty)
            .Concat(root.Options.Where(option => option.Recursive).Select(option => new CompletionItem(option.Name)))
            .Select(item => item.Label)
            .Where(label => label.StartsWith(last, StringComparison.Ordinal) && (last.Length > 0 || !label.StartsWith('-')) && label is not ("-h" or "-?" or "/h" or "/?"))
            .Distinct()
            .Order(StringComparer.Ordinal);
    }
}
