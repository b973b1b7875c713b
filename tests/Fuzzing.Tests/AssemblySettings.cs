// What an input allocates is counted over the whole process where a target has several threads.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
