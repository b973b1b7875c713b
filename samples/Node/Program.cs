using Overlay.Node;

using var signals = new StopSignals();
return await OverlayCli.RunAsync(args, Surroundings.OfProcess(), signals.Stop);
