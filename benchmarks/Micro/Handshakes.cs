using BenchmarkDotNet.Attributes;
using Overlay.Benchmarks.Transport;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Micro;

/// <summary>How long one connection takes to come about over loopback TCP, both ends in this process, one after another; closing it is part of it.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "The benchmark's own clean-up disposes what it set up.")]
public class Handshakes
{
    private readonly Carrier[] _ends =
        [Carrier.Create(TlsCarrier.Key), Carrier.Create(TlsCarrier.Key), Carrier.Create(OverlayCarrier.Key), Carrier.Create(OverlayCarrier.Key)];

    private string _tlsAddress = "", _overlayAddress = "";

    /// <summary>Begins to listen.</summary>
    [GlobalSetup]
    public async Task Setup()
    {
        _tlsAddress = await _ends[1].ListenAsync(StreamServices.ServeAsync);
        _overlayAddress = await _ends[3].ListenAsync(StreamServices.ServeAsync);
    }

    /// <summary>Stops all.</summary>
    [GlobalCleanup]
    public async Task Cleanup()
    {
        foreach (Carrier end in _ends) await end.DisposeAsync();
    }

    /// <summary>A TLS 1.3 handshake, not resumed.</summary>
    [Benchmark(Baseline = true)]
    public async Task Tls()
    {
        IAsyncDisposable connection = await _ends[0].ConnectAsync(_tlsAddress);
        await connection.DisposeAsync();
    }

    /// <summary>Dial, Noise, muxer, and the identify exchange.</summary>
    [Benchmark]
    public async Task DialAndIdentify()
    {
        IAsyncDisposable connection = await _ends[2].ConnectAsync(_overlayAddress);
        await connection.DisposeAsync();
    }
}
