namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>Something that carries bytes between two ends on loopback: a baseline, or Overlay itself. One object is one end.</summary>
internal abstract class Carrier : IAsyncDisposable
{
    /// <summary>All of them, by the key that stands on command lines and between the two processes.</summary>
    private static readonly Dictionary<string, (string Title, Func<Carrier> Create)> s_all = new(StringComparer.Ordinal)
    {
        [TcpCarrier.Key] = (TcpCarrier.Title, () => new TcpCarrier()),
        [TlsCarrier.Key] = (TlsCarrier.Title, () => new TlsCarrier()),
        [ChaChaCarrier.Key] = (ChaChaCarrier.Title, () => new ChaChaCarrier()),
        [OverlayCarrier.Key] = (OverlayCarrier.Title, OverlayCarrier.CreateRoomy),
        [OverlayCarrier.LimitedKey] = (OverlayCarrier.LimitedTitle, OverlayCarrier.CreateLimited),
    };

    internal static Carrier Create(string key) => Find(key).Create();

    /// <summary>The name in tables.</summary>
    internal static string TitleOf(string key) => Find(key).Title;

    /// <summary>Takes connections on a free port of loopback and serves each stream, which it ends afterwards.</summary>
    /// <returns>What <see cref="OpenAsync"/> of the other end needs to know.</returns>
    internal abstract Task<string> ListenAsync(Func<Stream, Task> serve);

    /// <summary>Opens a stream: on a connection of its own, or, where one connection carries many, on the one that there is.</summary>
    internal abstract Task<Stream> OpenAsync(string address);

    /// <summary>Opens one more connection, whether or not there is one; how far is the carrier's idea of a usable connection.</summary>
    internal abstract Task<IAsyncDisposable> ConnectAsync(string address);

    public abstract ValueTask DisposeAsync();

    private static (string Title, Func<Carrier> Create) Find(string key) =>
        s_all.TryGetValue(key, out var carrier) ? carrier : throw new UsageException($"There is no carrier '{key}'; there are: {string.Join(", ", s_all.Keys)}.");
}
