using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>How many connections come about in a second, one after another, each until the peer has said what it is? Beside TLS, and the curves alone.</summary>
/// <remarks>
/// Measured from the dial to the end of the identify exchange; closing the connection is not. For TLS, which has no such exchange, to the first byte of
/// an answer, so that both ends have finished the handshake. Sessions are not resumed. The curves alone, by BouncyCastle, are what Noise XX asks of both ends:
/// two ephemeral keys, six agreements, two checked signatures, all on one core; signatures of the identify records are not among them.
/// </remarks>
internal sealed record Dials(double Seconds, int Rounds, bool IsOneProcess)
{
    internal const string Usage = "usage: dials [--seconds 6] [--rounds 3] [--one-process]";

    internal static Dials Read(CommandOptions options)
    {
        var question = new Dials(options.Number("--seconds", 6, 0.1, 3600), options.Count("--rounds", 3), options.Has("--one-process"));
        options.Done();
        return question;
    }

    internal async Task<int> PrintAsync()
    {
        IReadOnlyList<DialsRow> rows = await MeasureAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Connections one after another for {Seconds} s, median of {Rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | per second | CPU ms each | allocated KiB each |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach (DialsRow row in rows)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {row.Name} | {row.PerSecond:F0} | {row.CpuMilliseconds:F2} | {row.AllocatedKibibytes:F1} |"));
        return 0;
    }

    internal async Task<IReadOnlyList<DialsRow>> MeasureAsync()
    {
        await using FarEnd far = FarEnd.Start(!IsOneProcess);
        await using Carrier overlay = Carrier.Create(OverlayCarrier.Key), tls = Carrier.Create(TlsCarrier.Key);
        string overlayAddress = await far.ListenAsync(OverlayCarrier.Key), tlsAddress = await far.ListenAsync(TlsCarrier.Key);
        (string Name, Func<Task<IAsyncDisposable>> Dial)[] subjects =
        [
            ("the curves alone, both ends on one core", CurvesAsync),
            ("TLS 1.3 handshake (SslStream)", () => HandshakeAsync(tls, tlsAddress)),
            ("Overlay: dial, handshake, identify", () => overlay.ConnectAsync(overlayAddress)),
        ];
        IReadOnlyList<IReadOnlyList<Sample>> samples = await Transport.Rounds.RunAsync(subjects, Rounds, subject => MeasureAsync(far, subject.Dial));
        return
        [
            .. subjects.Select((subject, i) => new DialsRow(
                subject.Name, samples[i].Median(s => s.Count / s.DialSeconds), samples[i].Median(s => s.Spent.CpuSeconds * 1000 / s.Count),
                samples[i].Median(s => s.Spent.Allocated / 1024.0 / s.Count))),
        ];
    }

    private async Task<Sample> MeasureAsync(FarEnd far, Func<Task<IAsyncDisposable>> dial)
    {
        int count = 0;
        long dialling = 0;
        Spending spent = await far.MeasureAsync(async () =>
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < Seconds)
            {
                long before = Stopwatch.GetTimestamp();
                IAsyncDisposable connection = await dial();
                dialling += Stopwatch.GetTimestamp() - before;
                count++;
                await connection.DisposeAsync();
            }
        });
        return new Sample(spent, count, dialling / (double)Stopwatch.Frequency);
    }

    private static async Task<IAsyncDisposable> HandshakeAsync(Carrier tls, string address)
    {
        Stream stream = await tls.OpenAsync(address);
        await stream.WriteAsync(StreamServices.FirstEcho(1));
        await stream.ReadExactlyAsync(new byte[1]);
        return stream;
    }

    private static Task<IAsyncDisposable> CurvesAsync()
    {
        Span<byte> secret = stackalloc byte[X25519.ScalarSize], point = stackalloc byte[X25519.PointSize], shared = stackalloc byte[X25519.PointSize];
        RandomNumberGenerator.Fill(secret);
        for (int i = 0; i < 2; i++) X25519.ScalarMultBase(secret, point);
        for (int i = 0; i < 6; i++) X25519.ScalarMult(secret, point, shared);
        for (int i = 0; i < 2; i++)
            if (!Ed25519.Verify(s_signature, 0, s_publicKey, 0, s_message, 0, s_message.Length)) throw new CryptographicException("A right signature was refused.");
        return Task.FromResult<IAsyncDisposable>(Stream.Null);
    }

    // As long as "noise-libp2p-static-key:" and a key.
    private static readonly byte[] s_message = new byte[24 + 32], s_seed = new byte[32], s_publicKey = PublicKey(), s_signature = Sign();

    private static byte[] PublicKey()
    {
        byte[] key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(s_seed, 0, key, 0);
        return key;
    }

    private static byte[] Sign()
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(s_seed, 0, s_message, 0, s_message.Length, signature, 0);
        return signature;
    }

    private readonly record struct Sample(Spending Spent, int Count, double DialSeconds);
}

/// <summary>Medians of one subject.</summary>
internal sealed record DialsRow(string Name, double PerSecond, double CpuMilliseconds, double AllocatedKibibytes);
