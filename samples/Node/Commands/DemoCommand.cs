using System.CommandLine;
using System.Globalization;
using Overlay.Node.Demo;

namespace Overlay.Node.Commands;

/// <summary><c>overlay demo</c>: the whole road on one machine.</summary>
internal static class DemoCommand
{
    private const ulong DefaultMebibytes = 64, MaxMebibytes = 1 << 20, LeastForMarket = 48;

    internal static Command Create(CommandTree tree)
    {
        var mib = new Option<string>("--mib")
        {
            HelpName = "N",
            Description = "How many MiB to download.",
            DefaultValueFactory = _ => DefaultMebibytes.ToString(CultureInfo.InvariantCulture),
        };
        var market = new Option<bool>("--market") { Description = "A market instead: providers in three regions, one who cheats, one who dies, and a consumer who finds and leaves them." };
        var command = new Command("demo", "Show the whole road on this machine: a web server, a provider and a consumer, a download that is paid for. Needs nothing else.") { mib, market };
        return tree.Complete(
            command,
            async invocation =>
            {
                string? text = invocation.Find(mib);
                if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong mebibytes) || mebibytes is 0 or > MaxMebibytes)
                    throw new UsageException($"--mib cannot be '{text}': it takes a whole number from 1 to {MaxMebibytes}.");
                ulong size = ByteSize.FromMebibytes(mebibytes).Bytes;
                if (invocation.Has(market))
                {
                    if (mebibytes < LeastForMarket) throw new UsageException($"--mib cannot be '{text}' with --market: a provider that dies in the middle of a transfer takes {LeastForMarket} or more.");
                    return await new MarketDemoRun(invocation, size).RunAsync() ? ExitCode.Done : throw new RefusalException("the market did not do what it should");
                }

                return await new DemoRun(invocation, size).RunAsync()
                    ? ExitCode.Done
                    : throw new RefusalException("the counts do not agree");
            },
            "overlay demo", "overlay demo --mib 256 --json", "overlay demo --market");
    }
}
