namespace Overlay.Transport.Identity;

/// <summary>One part of a <see cref="Multiaddr"/>: a protocol and, for most, a value.</summary>
public sealed class MultiaddrComponent
{
    internal MultiaddrComponent(MultiaddrProtocol protocol, string name, string value, ReadOnlyMemory<byte> rawValue)
    {
        Protocol = protocol;
        Name = name;
        Value = value;
        RawValue = rawValue;
    }

    /// <summary>The protocol.</summary>
    public MultiaddrProtocol Protocol { get; }

    /// <summary>The protocol's name as written in text, such as <c>ip4</c>.</summary>
    public string Name { get; }

    /// <summary>The value in its canonical text form; empty for a protocol that has none. That of <c>/unix</c> begins with a slash.</summary>
    public string Value { get; }

    /// <summary>The value's bytes, without the length that precedes them in an address.</summary>
    public ReadOnlyMemory<byte> RawValue { get; }

    /// <summary>The component as it stands in an address, such as <c>/tcp/4001</c>.</summary>
    public override string ToString() => Value.Length == 0 ? $"/{Name}" : Value[0] == '/' ? $"/{Name}{Value}" : $"/{Name}/{Value}";
}
