namespace Overlay.Node;

/// <summary>What the process says to whoever started it.</summary>
internal static class ExitCode
{
    internal const int Done = 0;
    internal const int Refused = 1;
    internal const int WrongUsage = 2;
}

/// <summary>The command line, a variable or the configuration file asks for what cannot be. The message is one line and names the option.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command was understood and cannot be done. The message is one line for people.</summary>
internal sealed class RefusalException(string message) : Exception(message);
