using Overlay.TestKit.HostilePeers;

namespace Overlay.HostileSoak;

/// <summary>What to run and for how long.</summary>
/// <param name="Seconds">How long each misbehaviour runs.</param>
/// <param name="AfterSeconds">How long after its end the memory is looked at.</param>
/// <param name="Parallel">How many of each run at once.</param>
/// <param name="RestMilliseconds">How long each rests between two rounds: with none, those that are refused at once leave no processor to anybody else on the machine.</param>
/// <param name="IsExempt">Whether no rule by address holds against them, as for peers on this host; or those for addresses in general.</param>
/// <param name="Only">A name, or part of several; null for all.</param>
internal sealed record SoakOptions(int Seconds = 600, int AfterSeconds = 60, int Parallel = 4, int RestMilliseconds = 0, bool IsExempt = false, string? Only = null)
{
    internal const string Usage = "usage: [--seconds 600] [--after 60] [--parallel 4] [--rest MILLISECONDS] [--rules general|exempt] [--only NAME_OR_PART] | --list";

    internal bool Takes(string name, IEnumerable<Misbehaviour> all) =>
        Only is null || name == Only || (name.Contains(Only, StringComparison.OrdinalIgnoreCase) && all.All(misbehaviour => misbehaviour.Name != Only));

    /// <summary>Reads the command line; null when it cannot be read.</summary>
    internal static SoakOptions? Parse(ReadOnlySpan<string> args)
    {
        var options = new SoakOptions();
        for (; args.Length >= 2; args = args[2..])
        {
            bool isNumber = int.TryParse(args[1], out int number) && number >= 0;
            SoakOptions? next = args[0] switch
            {
                "--seconds" when isNumber => options with { Seconds = number },
                "--after" when isNumber => options with { AfterSeconds = number },
                "--parallel" when isNumber && number > 0 => options with { Parallel = number },
                "--rest" when isNumber => options with { RestMilliseconds = number },
                "--rules" when args[1] is "general" or "exempt" => options with { IsExempt = args[1] == "exempt" },
                "--only" => options with { Only = args[1] },
                _ => null,
            };
            if (next is null) return null;
            options = next;
        }

        return args.IsEmpty ? options : null;
    }
}
