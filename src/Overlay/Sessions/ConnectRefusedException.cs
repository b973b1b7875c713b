namespace Overlay.Sessions;

/// <summary>A target could not be reached through the provider, or the provider would not. Nothing else was harmed.</summary>
public sealed class ConnectRefusedException : IOException
{
    internal ConnectRefusedException(ConnectCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>Whether it says nothing about the consumer: a list of the owner's that nobody can know of, the exit's own trouble, or what has been counted
    /// before.</summary>
    internal bool CountsForNothing { get; init; }

    /// <summary>Whether it says again what the consumer was told before: that it is refused for a while.</summary>
    internal bool IsRepeated { get; init; }

    /// <summary>The provider's reason.</summary>
    public ConnectCode Code { get; }
}
