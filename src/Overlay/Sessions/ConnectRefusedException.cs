namespace Overlay.Sessions;

/// <summary>A target could not be reached through the provider, or the provider would not. Nothing else was harmed.</summary>
public sealed class ConnectRefusedException : IOException
{
    internal ConnectRefusedException(ConnectCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>Whether a list of the exit's owner is the reason, of which a consumer cannot know: it counts for nothing.</summary>
    internal bool IsByList { get; init; }

    /// <summary>The provider's reason.</summary>
    public ConnectCode Code { get; }
}
