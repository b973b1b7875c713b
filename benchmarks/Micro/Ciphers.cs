using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Org.BouncyCastle.Crypto.Parameters;

namespace Overlay.Benchmarks.Micro;

/// <summary>One Noise message sealed: the platform's ChaCha20-Poly1305, and as baseline the managed one that stands in where there is none.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "The benchmark's own clean-up disposes what it set up.")]
public class Ciphers
{
    private readonly byte[] _key = new byte[32], _nonce = new byte[12], _tag = new byte[16];
    private readonly Org.BouncyCastle.Crypto.Modes.ChaCha20Poly1305 _managed = new();
    private ChaCha20Poly1305 _platform = null!;
    private byte[] _plaintext = [], _sealed = [];
    private ulong _counter;

    /// <summary>Bytes of plaintext: a Yamux header, a small message, a full one.</summary>
    [Params(12, 1024, 65519)]
    public int Size { get; set; }

    /// <summary>Makes the buffers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _platform = new ChaCha20Poly1305(_key);
        _plaintext = new byte[Size];
        _sealed = new byte[Size + 16];
    }

    /// <summary>Frees the platform's cipher.</summary>
    [GlobalCleanup]
    public void Cleanup() => _platform.Dispose();

    /// <summary>BouncyCastle.</summary>
    [Benchmark(Baseline = true)]
    public int Managed()
    {
        NextNonce();
        _managed.Init(forEncryption: true, new ParametersWithIV(new KeyParameter(_key), _nonce));
        int count = _managed.ProcessBytes(_plaintext, 0, Size, _sealed, 0);
        return count + _managed.DoFinal(_sealed, count);
    }

    /// <summary>.NET, which asks the operating system's library.</summary>
    [Benchmark]
    public void Platform()
    {
        NextNonce();
        _platform.Encrypt(_nonce, _plaintext, _sealed.AsSpan(0, Size), _tag);
    }

    private void NextNonce() => BitConverter.TryWriteBytes(_nonce.AsSpan(4), _counter++);
}
