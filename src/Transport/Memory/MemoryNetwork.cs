using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Memory;

/// <summary>A network inside this process: the listeners that <see cref="MemoryTransport"/>s which share it can reach.</summary>
/// <remarks>Safe on several threads. Addresses are <c>/memory/&lt;n&gt;</c>, n from 1 to 2^63 - 1; listening on 0 gives a free one, as port 0 of TCP does.</remarks>
public sealed class MemoryNetwork
{
    // Numbers given out count up from here, far from those that people choose. Owner: the lock.
    private const ulong FirstGiven = 1UL << 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, MemoryByteListener> _listeners = [];
    private ulong _nextGiven = FirstGiven;

    /// <summary>Makes an empty network.</summary>
    public MemoryNetwork()
    {
    }

    internal static bool TryGetNumber(Multiaddr address, out ulong number)
    {
        number = 0;
        IReadOnlyList<MultiaddrComponent> components = address.Components;
        bool fits = components.Count == 1 || (components.Count == 2 && components[1].Protocol == MultiaddrProtocol.P2p);
        return fits
            && components[0].Protocol == MultiaddrProtocol.Memory
            && ulong.TryParse(components[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number <= long.MaxValue;
    }

    internal MemoryByteListener Listen(ulong number, MemoryTransportOptions options)
    {
        lock (_lock)
        {
            if (number == 0) number = NextFree();
            var listener = new MemoryByteListener(this, number, options);
            return _listeners.TryAdd(number, listener)
                ? listener
                : throw new ConnectionException(
                    ConnectionError.AddressUnavailable, ConnectionStep.Listen, Fault.Caller, $"{ToAddress(number)} is already listened on.");
        }
    }

    internal bool TryFind(ulong number, [NotNullWhen(true)] out MemoryByteListener? listener)
    {
        lock (_lock) return _listeners.TryGetValue(number, out listener);
    }

    internal void Remove(ulong number)
    {
        lock (_lock) _listeners.Remove(number);
    }

    /// <summary>An address for the dialling end of a connection.</summary>
    internal Multiaddr GiveAddress()
    {
        lock (_lock) return ToAddress(NextFree());
    }

    internal static Multiaddr ToAddress(ulong number) => Multiaddr.Parse("/memory/" + number.ToString(CultureInfo.InvariantCulture));

    private ulong NextFree()
    {
        while (_listeners.ContainsKey(_nextGiven)) _nextGiven++;
        return _nextGiven++;
    }
}
