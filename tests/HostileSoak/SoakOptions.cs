namespace Overlay.HostileSoak;

/// <summary>What to run and for how long.</summary>
/// <param name="Seconds">How long each misbehaviour runs.</param>
/// <param name="AfterSeconds">How long after its end the memory is looked at.</param>
/// <param name="Parallel">How many of each run at once.</param>
/// <param name="Only">Part of a name; null for all.</param>
internal sealed record SoakOptions(int Seconds = 600, int AfterSeconds = 60, int Parallel = 4, string? Only = null)
{
    internal const string Usage = "usage: [--seconds 600] [--after 60] [--parallel 4] [--only PART_OF_A_NAME] | --list";

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
                "--only" => options with { Only = args[1] },
                _ => null,
            };
            if (next is null) return null;
            options = next;
        }

        return args.IsEmpty ? options : null;
    }
}
