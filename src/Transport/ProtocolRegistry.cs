using System.Collections.Frozen;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>The protocols for which this node takes streams.</summary>
/// <remarks>Safe on several threads. Readers see an immutable snapshot.</remarks>
public sealed class ProtocolRegistry
{
    private readonly Lock _lock = new();
    private FrozenDictionary<string, ProtocolRegistration> _registrations = FrozenDictionary<string, ProtocolRegistration>.Empty;

    internal ProtocolRegistry()
    {
    }

    /// <summary>The names of the protocols, in ordinal order.</summary>
    public IReadOnlyList<string> Names => [.. _registrations.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Told after a protocol was added or removed.</summary>
    internal Action? Changed { get; set; }

    /// <summary>Takes streams for a protocol. The stream is disposed when the handler's task ends.</summary>
    /// <param name="protocol">The protocol's id, such as <c>/chat/1.0.0</c>.</param>
    /// <param name="handler">Called for each stream, on the thread pool. The token is cancelled when the connection ends.</param>
    /// <param name="maxStreamsPerConnection">Most streams of this protocol that one connection may have open; one more is reset.</param>
    /// <returns>Dispose it to take no more streams; running handlers go on.</returns>
    /// <exception cref="ArgumentException">The id is no protocol id, or has a handler already.</exception>
    public IDisposable Handle(string protocol, Func<PeerStream, CancellationToken, Task> handler, int maxStreamsPerConnection = int.MaxValue) =>
        Handle(protocol, handler, maxStreamsPerConnection, neverBlocks: false);

    /// <summary>The same, also for a handler that may begin on the thread that receives for the connection, since it never keeps a thread waiting.</summary>
    internal IDisposable Handle(string protocol, Func<PeerStream, CancellationToken, Task> handler, int maxStreamsPerConnection, bool neverBlocks)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxStreamsPerConnection);
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        if (!MultistreamLine.IsProtocolName(protocol)) throw new ArgumentException($"'{protocol}' cannot be the name of a protocol.", nameof(protocol));
        var registration = new ProtocolRegistration(this, protocol, handler, maxStreamsPerConnection, neverBlocks);
        lock (_lock)
        {
            if (_registrations.ContainsKey(protocol)) throw new ArgumentException($"{protocol} has a handler already.", nameof(protocol));
            _registrations = _registrations.Append(KeyValuePair.Create(protocol, registration)).ToFrozenDictionary(StringComparer.Ordinal);
        }

        Changed?.Invoke();
        return registration;
    }

    internal bool Contains(string protocol) => _registrations.ContainsKey(protocol);

    internal ProtocolRegistration? Find(string protocol) => _registrations.GetValueOrDefault(protocol);

    internal void Remove(ProtocolRegistration registration)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_registrations.GetValueOrDefault(registration.Protocol), registration)) return;
            _registrations = _registrations.Where(pair => pair.Value != registration).ToFrozenDictionary(StringComparer.Ordinal);
        }

        Changed?.Invoke();
    }
}

/// <summary>One protocol's handler; disposing takes it out of the registry.</summary>
internal sealed class ProtocolRegistration(
    ProtocolRegistry registry, string protocol, Func<PeerStream, CancellationToken, Task> handler, int maxStreamsPerConnection, bool neverBlocks) : IDisposable
{
    internal string Protocol => protocol;

    internal Func<PeerStream, CancellationToken, Task> Handler => handler;

    internal int MaxStreamsPerConnection => maxStreamsPerConnection;

    /// <summary>Whether the handler may begin on the thread that receives for the connection.</summary>
    internal bool NeverBlocks => neverBlocks;

    public void Dispose() => registry.Remove(this);
}
