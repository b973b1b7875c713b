using Overlay.Fuzzing;
using Overlay.Fuzzing.Engine;

// dotnet run -c Release --project tests/Fuzzing -- TARGET --executions 1000000 --seed 1
// See docs/fuzzing.md; fuzz.sh beside this file runs all targets, instrumented.
CoverageMap.Attach();
return args switch
{
    ["list"] => Commands.List(),
    ["afl", string target] => Commands.RunUnderAfl(target),
    ["replay", string target, .. string[] files] => Commands.Replay(target, files),
    ["seeds"] => Commands.WriteSeeds(),
    ["minimize", string target, .. string[] folders] => Commands.Minimize(target, folders),
    [string target, .. string[] options] when !target.StartsWith('-') => Commands.Fuzz(target, options),
    _ => Commands.Usage(),
};
