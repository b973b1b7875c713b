namespace Overlay.Discovery.Reachability;

/// <summary>The other side of an AutoNAT stream broke a rule, or ended it.</summary>
internal sealed class AutoNatException(string message, Exception? innerException = null) : IOException(message, innerException);
