namespace Overlay.Sessions;

/// <summary>A target could not be reached through the provider, or the provider would not. Nothing else was harmed.</summary>
public sealed class ConnectRefusedException : IOException
{
    internal ConnectRefusedException(ConnectCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>The provider's reason.</summary>
    public ConnectCode Code { get; }
}
