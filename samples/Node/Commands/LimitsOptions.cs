using System.CommandLine;
using System.Globalization;
using Overlay.Node.Configuration;
using Overlay.Sharing.Limits;

namespace Overlay.Node.Commands;

/// <summary>The flags of <c>overlay limits set</c>, and what they change.</summary>
internal sealed class LimitsOptions
{
    private const string None = "none", RuleNames = "serve, yield or pause";

    private readonly Option<string> _maxUpload = Value("--max-upload", "MBIT/S", "Highest rate at which the node sends for others."),
        _maxDownload = Value("--max-download", "MBIT/S", "Highest rate at which it receives for others."),
        _dailyQuota = Value("--daily-quota", "SIZE", "What may cross the line for others in a day, in and out together."),
        _monthlyQuota = Value("--monthly-quota", "SIZE", "What may cross it in a month."),
        _resetDay = Value("--reset-day", "DAY", "Day on which a month begins, 1 to 28."),
        _whenOnBattery = Value("--when-on-battery", "RULE", $"What to do while the host runs on its battery: {RuleNames}."),
        _whenMetered = Value("--when-metered", "RULE", $"What to do while the line is known to be paid by the byte: {RuleNames}.");

    private readonly Option<string[]> _schedule = new("--schedule")
    {
        HelpName = "WINDOW",
        Description = "Days and hours of service, such as \"mon-fri 22:00-07:00\" or sat,sun; several may be given; none for always.",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<bool>
        _hibernate = new("--hibernate") { Description = "Spend the quota at full speed, then sleep; wake at a moment of the node's own." },
        _noHibernate = new("--no-hibernate") { Description = "Spend the quota from the beginning of its period on." },
        _yield = new("--yield") { Description = "Give way to the owner's own traffic." },
        _noYield = new("--no-yield") { Description = "Do not." };

    internal LimitsOptions(Command command)
    {
        foreach (Option option in All) command.Options.Add(option);
    }

    private Option[] All =>
        [_maxUpload, _maxDownload, _dailyQuota, _monthlyQuota, _resetDay, _hibernate, _noHibernate, _schedule, _yield, _noYield, _whenOnBattery, _whenMetered];

    /// <summary>What the flags that were given change.</summary>
    /// <exception cref="UsageException">A value is not allowed, two contradict each other, or none was given.</exception>
    internal Func<OwnerLimits, OwnerLimits> Read(Invocation invocation)
    {
        var changes = new List<Func<OwnerLimits, OwnerLimits>>();
        Add(invocation, changes, _maxUpload, ReadRate, static (limits, rate) => limits with { MaxUpload = rate });
        Add(invocation, changes, _maxDownload, ReadRate, static (limits, rate) => limits with { MaxDownload = rate });
        Add(invocation, changes, _dailyQuota, ReadQuota, static (limits, size) => limits with { DailyQuota = size });
        Add(invocation, changes, _monthlyQuota, ReadQuota, static (limits, size) => limits with { MonthlyQuota = size });
        Add(invocation, changes, _resetDay, ReadDay, static (limits, day) => limits with { ResetDay = day });
        Add(invocation, changes, _whenOnBattery, ReadRule, static (limits, rule) => limits with { WhenOnBattery = rule });
        Add(invocation, changes, _whenMetered, ReadRule, static (limits, rule) => limits with { WhenMetered = rule });
        if (Switch(invocation, _hibernate, _noHibernate) is { } hibernate) changes.Add(limits => limits with { Hibernate = hibernate });
        if (Switch(invocation, _yield, _noYield) is { } yields) changes.Add(limits => limits with { Yield = yields });
        if (invocation.GetAll(_schedule) is { Count: > 0 } texts)
        {
            ScheduleWindow[] windows = texts is [None] ? [] : [.. texts.Select(text => ScheduleWindow.TryParse(text, out ScheduleWindow? window)
                ? window : throw Wrong(_schedule, text, "days and hours such as \"mon-fri 22:00-07:00\", sat,sun, or none"))];
            changes.Add(limits => Within(() => limits with { Schedule = windows }));
        }

        if (changes.Count == 0)
            throw new UsageException($"there is nothing to set: give at least one of {string.Join(", ", All.Select(option => option.Name))}.");
        return limits => changes.Aggregate(limits, static (changed, change) => change(changed));
    }

    private static Option<string> Value(string name, string valueName, string description) => new(name) { HelpName = valueName, Description = description };

    private static void Add<T>(
        Invocation invocation, List<Func<OwnerLimits, OwnerLimits>> changes, Option<string> option, Func<Option, string, T> read,
        Func<OwnerLimits, T, OwnerLimits> change)
    {
        if (invocation.Find(option) is not { } text) return;
        T value = read(option, text);
        changes.Add(limits => Within(() => change(limits, value)));
    }

    private static bool? Switch(Invocation invocation, Option<bool> on, Option<bool> off)
    {
        bool isOn = invocation.Has(on), isOff = invocation.Has(off);
        if (isOn && isOff) throw new UsageException($"{on.Name} and {off.Name} contradict each other.");
        return isOn ? true : isOff ? false : null;
    }

    // What the limits themselves do not allow is the command line's mistake here.
    private static OwnerLimits Within(Func<OwnerLimits> change)
    {
        try
        {
            return change();
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message.Split(['\r', '\n'])[0]);
        }
    }

    private static BitRate? ReadRate(Option option, string text) =>
        text == None ? null : Settings.ReadRate(text, out BitRate rate) ? rate : throw Wrong(option, text, $"{Settings.RateRange}, or none");

    private static ByteSize? ReadQuota(Option option, string text) =>
        text == None ? null : Settings.ReadQuota(text, out ByteSize size) ? size : throw Wrong(option, text, $"{Settings.QuotaRange}, or none");

    private static int ReadDay(Option option, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int day) && day is >= 1 and <= 28
            ? day : throw Wrong(option, text, "a day from 1 to 28");

    private static OwnerRule ReadRule(Option option, string text) => text switch
    {
        "serve" => OwnerRule.Serve,
        "yield" => OwnerRule.Yield,
        "pause" => OwnerRule.Pause,
        _ => throw Wrong(option, text, RuleNames),
    };

    private static UsageException Wrong(Option option, string text, string allowed) => new($"{option.Name} cannot be '{text}': it takes {allowed}.");
}
