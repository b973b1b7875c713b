// Every test here starts several programs and moves real bytes: side by side they would measure each other.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
