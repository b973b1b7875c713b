using BenchmarkDotNet.Attributes;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Benchmarks.Transport;

/// <summary>How long one connection takes to come about over loopback TCP, both ends in this process, one after another.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "The benchmark's own clean-up disposes what it set up.")]
public class Handshakes
{
    private readonly PeerIdentity _near = PeerIdentity.Generate(), _far = PeerIdentity.Generate();
    private PeerHost _dialler = null!, _listener = null!;
    private Multiaddr _address = null!;

    /// <summary>Begins to listen.</summary>
    [GlobalSetup]
    public async Task Setup()
    {
        // Closed connections linger while the next ones are dialled.
        var many = new ResourceLimits { MaxConnectionCount = 4096 };
        var options = new TransportOptions { IdentifyOnConnect = false, Resources = new ResourceOptions { Node = many, Transient = many, Peer = many } };
        _listener = new PeerHost(_far, options);
        _dialler = new PeerHost(_near, options);
        _address = await _listener.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));
    }

    /// <summary>Stops both.</summary>
    [GlobalCleanup]
    public async Task Cleanup()
    {
        await _dialler.DisposeAsync();
        await _listener.DisposeAsync();
    }

    /// <summary>Dial, Noise, muxer, and the identify exchange.</summary>
    [Benchmark]
    public async Task<string> DialAndIdentify()
    {
        await using PeerConnection connection = await _dialler.ConnectAnewAsync(_listener.PeerId, [_address]);
        return (await _dialler.IdentifyAsync(connection)).AgentVersion;
    }
}
