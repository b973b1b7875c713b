using System.Buffers;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Overlay.Transport.Crypto;
using Overlay.Transport.Identity;
using Overlay.Transport.Noise;

namespace Overlay.Benchmarks.Micro;

/// <summary>What of a handshake is arithmetic: both ends of one on one thread, without a network, and the curves that it uses, one operation each.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "Keys for as long as the process runs.")]
public class HandshakeParts
{
    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private readonly X25519KeyPair _key = X25519KeyPair.Generate(), _other = X25519KeyPair.Generate();
    private readonly byte[] _message = new byte[56], _signature = new byte[64], _secret = new byte[32];
    private readonly ArrayBufferWriter<byte> _output = new();
    private NoiseStaticKey? _static;

    /// <summary>Signs what is checked.</summary>
    [GlobalSetup]
    public void Setup()
    {
        RandomNumberGenerator.Fill(_message);
        _identity.Sign(_message, _signature);
        _static = NoiseStaticKey.Generate(_identity);
    }

    /// <summary>Both ends of a handshake.</summary>
    [Benchmark(Baseline = true)]
    public int BothEnds()
    {
        using var dialler = new NoiseHandshake(_static!, NoiseRole.Initiator, null, ["/yamux/1.0.0"], new NoiseOptions());
        using var listener = new NoiseHandshake(_static!, NoiseRole.Responder, null, ["/yamux/1.0.0"], new NoiseOptions());
        Tell(dialler, listener);
        Tell(listener, dialler);
        Tell(dialler, listener);
        using CipherState send = dialler.Result.Send, receive = dialler.Result.Receive, send2 = listener.Result.Send, receive2 = listener.Result.Receive;
        return dialler.Result.HandshakeHash.Length;
    }

    /// <summary>A fresh key.</summary>
    [Benchmark]
    public void Key() => X25519KeyPair.Generate().Dispose();

    /// <summary>A shared secret: six of them in a handshake.</summary>
    [Benchmark]
    public bool Agree() => _key.TryAgree(_other.PublicKey, _secret);

    /// <summary>A signature: two are checked in a handshake, and one on each side's record.</summary>
    [Benchmark]
    public bool Check() => _identity.PublicKey.VerifyVarTime(_message, _signature);

    private void Tell(NoiseHandshake from, NoiseHandshake to)
    {
        _output.ResetWrittenCount();
        from.WriteMessage(_output);
        to.ReadMessage(_output.WrittenSpan[NoiseHandshake.PrefixSize..]);
    }
}
