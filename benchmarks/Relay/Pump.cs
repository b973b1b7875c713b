using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using Overlay.Sessions;
using Overlay.Sessions.Metering;
using Overlay.Sharing.Limits;
using Overlay.Transport.Tcp;

namespace Overlay.Benchmarks.Relay;

/// <summary>What the pumps and the metering of a relay cost beside copying from one socket to another: 64 MiB through two sockets on loopback, no encryption.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Every connection is disposed where it was made.")]
public class Pump
{
    private const int Size = 64 << 20;

    private static readonly byte[] s_block = new byte[256 * 1024];

    /// <summary>Receives into one buffer and sends from it.</summary>
    [Benchmark(Baseline = true)]
    public Task<long> SocketToSocket() => RelayAsync(async (from, to) =>
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        for (int count; (count = await from.ReceiveAsync(buffer, SocketFlags.None)) > 0;)
            for (int sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None);
        ArrayPool<byte>.Shared.Return(buffer);
        to.Shutdown(SocketShutdown.Send);
    });

    /// <summary>The provider's and the consumer's pump with the meters of both between them, and a pipe in place of the connection.</summary>
    [Benchmark]
    public Task<long> PumpToPump() => PumpAsync(null);

    /// <summary>The same past the owner's gate, with nothing set: what every provider pays.</summary>
    [Benchmark]
    public Task<long> PumpPastTheOpenGate() => PumpAsync(new GateSetting(IsOpen: true, null, null));

    /// <summary>The same at a rate that is never reached: what is paid where a cap is set.</summary>
    [Benchmark]
    public Task<long> PumpPastTheGateWithACap() => PumpAsync(new GateSetting(IsOpen: true, 1e11, 1e11));

    private static Task<long> PumpAsync(GateSetting? setting) => RelayAsync(async (from, to) =>
    {
        await using LineGate owner = new(new UsageBook(null), new UsageInMemory(), TimeProvider.System);
        owner.SetAsleep(false);
        if (setting is { } given) owner.Set(given);
        using IRelayPass? pass = setting is null ? null : owner.Begin(default, from);
        Pipe down = new(new PipeOptions(pauseWriterThreshold: 256 * 1024)), up = new();
        var gate = new CreditGate(long.MaxValue / 2);
        using TcpSocket provider = TcpSocket.Open(from), consumer = TcpSocket.Open(to);
        Task near = SocketPump.RelayAsync(
            provider, new Ends(new MeteredPipeReader(up.Reader, gate, static () => { }), new MeteredPipeWriter(down.Writer, gate, static () => { })), pass, default);
        Task far = SocketPump.RunAsync(consumer, new Ends(down.Reader, new MeteredPipeWriter(up.Writer, gate, static () => { })), default);
        await Task.WhenAll(near, far);
    });

    private static async Task<long> RelayAsync(Func<Socket, Socket, Task> relay)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        (Socket origin, Socket from) = await ConnectAsync(listener);
        (Socket client, Socket to) = await ConnectAsync(listener);
        Task relaying = relay(from, to);
        Task sending = SendAsync(origin);
        client.Shutdown(SocketShutdown.Send);
        byte[] sink = ArrayPool<byte>.Shared.Rent(256 * 1024);
        long total = 0;
        for (int count; (count = await client.ReceiveAsync(sink, SocketFlags.None)) > 0;) total += count;
        ArrayPool<byte>.Shared.Return(sink);
        await Task.WhenAll(relaying, sending);
        foreach (Socket socket in (Socket[])[origin, from, client, to]) socket.Dispose();
        return total == Size ? total : throw new InvalidOperationException($"{total} of {Size} bytes arrived.");
    }

    private static async Task SendAsync(Socket origin)
    {
        for (int sent = 0; sent < Size;) sent += await origin.SendAsync(s_block.AsMemory(0, Math.Min(s_block.Length, Size - sent)), SocketFlags.None);
        origin.Shutdown(SocketShutdown.Send);
    }

    private static async Task<(Socket Dialled, Socket Accepted)> ConnectAsync(Socket listener)
    {
        var dialled = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await dialled.ConnectAsync(listener.LocalEndPoint!);
        return (dialled, await listener.AcceptAsync());
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
