using System.Globalization;
using Overlay.HostileSoak;
using Overlay.TestKit.HostilePeers;

// dotnet run -c Release --project tests/HostileSoak -- [--seconds 600] [--after 60] [--parallel 4] [--rest MILLISECONDS] [--rules general|exempt] [--only NAME_OR_PART] | --list
if (NodeProcess.IsChild(args))
{
    await NodeProcess.ServeAsync(args);
    return 0;
}

IReadOnlyList<Misbehaviour> all = Misbehaviours.Create();
if (args is ["--list"])
{
    foreach (Misbehaviour misbehaviour in all) Console.WriteLine($"{misbehaviour.Name}: {misbehaviour.Does}");
    return 0;
}

if (SoakOptions.Parse(args) is not { } options || !all.Any(misbehaviour => options.Takes(misbehaviour.Name, all)))
{
    Console.Error.WriteLine(SoakOptions.Usage);
    return 2;
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{options.Seconds} s each, {options.Parallel} at once from {(options.IsExempt ? "an address without rules" : "one address")}, {options.RestMilliseconds} ms between rounds, memory again after {options.AfterSeconds} s. Goals: at most +{SoakRun.MaxGrowth >> 20} MiB and back, {SoakRun.MaxCores} cores, {SoakRun.MinServed:P0} served."));
Console.WriteLine();
Console.WriteLine("| misbehaviour | rounds | before, MiB | peak | after | collected | cores | honest visits | served | goals |");
Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
bool allMet = true;
for (int i = 0; i < all.Count; i++)
{
    int index = i;
    if (!options.Takes(all[i].Name, all)) continue;
    SoakRun run = await SoakRun.MeasureAsync(() => Misbehaviours.Create()[index], options);
    allMet &= run.MeetsGoals;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {run.Name} | {run.RoundCount} | {run.Before >> 20} | +{(run.Peak - run.Before) >> 20} | {(run.After - run.Before) >> 20:+0;-0;0} | {run.Left >> 20:+0;-0;0} | {run.Cores:0.00} | {run.VisitCount} | {run.Served:P0} | {(run.MeetsGoals ? "met" : "missed")} |"));
}

return allMet ? 0 : 1;
