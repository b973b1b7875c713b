using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;
using Overlay.Node.Commands;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;

namespace Overlay.Node;

/// <summary>From arguments to exit code: parses, runs one command, and turns whatever goes wrong into one line on standard error.</summary>
internal static class OverlayCli
{
    internal static async Task<int> RunAsync(IReadOnlyList<string> arguments, Surroundings surroundings, CancellationToken stop)
    {
        var globals = new GlobalOptions();
        Command root = OverlayCommand.Create(globals, surroundings);
        ParseResult parsed = root.Parse(arguments);
        bool verbose = parsed.GetValue(globals.Verbose);
        try
        {
            if (parsed.Action is ParseErrorAction) return ArgumentErrors.Refuse(root, parsed, surroundings.Error);
            await using var text = new StreamWriter(surroundings.Output, new UTF8Encoding(false), leaveOpen: true);
            return await parsed.InvokeAsync(
                // Signals are this program's own business: closing may take longer than the library's two seconds.
                new InvocationConfiguration { Output = text, Error = surroundings.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                stop);
        }
        catch (UsageException e)
        {
            return Fail(e, ExitCode.WrongUsage, verbose, surroundings);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            surroundings.Error.WriteLine("overlay: stopped before it was done");
            return ExitCode.Refused;
        }
        catch (Exception e)
        {
            return Fail(e, ExitCode.Refused, verbose, surroundings);
        }
    }

    private static int Fail(Exception e, int code, bool verbose, Surroundings surroundings)
    {
        // One line: what is wrong, and where there is one the way out.
        string remedy = e.InnerException is LedgerException { Reason: LedgerError.Damaged } ? " To begin a new ledger and keep this one beside it: overlay ledger set-aside." : "";
        surroundings.Error.WriteLine($"overlay: {PlainText.OneLine(e.Message)}{remedy}");
        if (verbose && e is not (UsageException or RefusalException)) surroundings.Error.WriteLine(e);
        return code;
    }
}
