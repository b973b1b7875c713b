using System.CommandLine;
using System.Globalization;
using Overlay.Node.Demo;

namespace Overlay.Node.Commands;

/// <summary><c>overlay demo</c>: the whole road on one machine.</summary>
internal static class DemoCommand
{
    private const ulong DefaultMebibytes = 64, MaxMebibytes = 1 << 20;

    internal static Command Create(CommandTree tree)
    {
        var mib = new Option<string>("--mib")
        {
            HelpName = "N",
            Description = "How many MiB to download.",
            DefaultValueFactory = _ => DefaultMebibytes.ToString(CultureInfo.InvariantCulture),
        };
        var command = new Command("demo", "Show the whole road on this machine: a web server, a provider and a consumer, a download that is paid for. Needs nothing else.") { mib };
        return tree.Complete(
            command,
            async invocation =>
            {
                string? text = invocation.Find(mib);
                if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong mebibytes) || mebibytes is 0 or > MaxMebibytes)
                    throw new UsageException($"--mib cannot be '{text}': it takes a whole number from 1 to {MaxMebibytes}.");
                return await new DemoRun(invocation, ByteSize.FromMebibytes(mebibytes).Bytes).RunAsync()
                    ? ExitCode.Done
                    : throw new RefusalException("the counts do not agree");
            },
            "overlay demo", "overlay demo --mib 256 --json");
    }
}
