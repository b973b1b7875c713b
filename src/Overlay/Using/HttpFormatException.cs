namespace Overlay.Using;

/// <summary>A message that is not HTTP/1 as this proxy takes it, or is larger than it takes.</summary>
/// <param name="status">What a client is told if the message was its request.</param>
/// <param name="message">The reason, fit to be shown.</param>
internal sealed class HttpFormatException(int status, string message) : FormatException(message)
{
    public int Status { get; } = status;
}
