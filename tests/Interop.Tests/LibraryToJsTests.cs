using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Overlay.Interop.Tests.Harness;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Interop.Tests;

/// <summary>The library's own streams against js-libp2p's: what the CLI has no words for.</summary>
public sealed class LibraryToJsTests
{
    private const string Echo = "/echo/1.0.0", Digest = "/digest/1.0.0", Reset = "/reset/1.0.0";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_HundredAtOnceToJs_EachGetsItsOwnBytesBack()
    {
        await using JsPeer js = await JsPeer.StartAsync();
        await using Dialler dialler = await Dialler.ConnectAsync(js);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => EchoAsync(dialler.Connection, seed: i, size: 100_000)));

        Assert.False(dialler.Connection.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task HalfClose_JsAnswersOnlyBehindIt_AnswerArrivesWhole()
    {
        await using JsPeer js = await JsPeer.StartAsync();
        await using Dialler dialler = await Dialler.ConnectAsync(js);
        byte[] sent = Bytes(seed: 1, size: 3_000_000);

        await using PeerStream stream = await dialler.Connection.OpenStreamAsync(Digest, Cancellation);
        await stream.Output.WriteAsync(sent, Cancellation);
        await stream.Output.CompleteAsync();

        Assert.Equal(SHA256.HashData(sent), await ReadAllAsync(stream.Input));
        Assert.Equal(sent.Length, stream.BytesSent);
        Assert.Equal(32, stream.BytesReceived);
    }

    [Fact]
    public async Task Reset_ByJs_SurfacesAsResetAndLeavesTheConnectionUsable()
    {
        await using JsPeer js = await JsPeer.StartAsync();
        await using Dialler dialler = await Dialler.ConnectAsync(js);

        await using PeerStream stream = await dialler.Connection.OpenStreamAsync(Reset, Cancellation);
        await stream.Output.WriteAsync(new byte[] { 1 }, Cancellation);
        var error = await Assert.ThrowsAsync<ConnectionException>(() => ReadAllAsync(stream.Input));

        Assert.Equal(ConnectionError.StreamReset, error.Reason);
        await EchoAsync(dialler.Connection, seed: 2, size: 10_000);
    }

    [Fact]
    public async Task Reset_ByOverlayInTheMiddle_LeavesTheConnectionUsableAndTheCountsFinal()
    {
        await using JsPeer js = await JsPeer.StartAsync();
        await using Dialler dialler = await Dialler.ConnectAsync(js);

        PeerStream stream = await dialler.Connection.OpenStreamAsync(Echo, Cancellation);
        await stream.Output.WriteAsync(Bytes(seed: 3, size: 200_000), Cancellation);
        await stream.Input.ReadAtLeastAsync(1, Cancellation);
        stream.Abort("The test has seen enough.");
        await stream.Completion.WaitAsync(Cancellation);

        await EchoAsync(dialler.Connection, seed: 4, size: 10_000);
    }

    [Fact]
    public async Task OpenStream_ProtocolThatJsDoesNotSpeak_IsDeclined()
    {
        await using JsPeer js = await JsPeer.StartAsync();
        await using Dialler dialler = await Dialler.ConnectAsync(js);

        await using PeerStream stream = await dialler.Connection.OpenStreamAsync("/nobody/1.0.0", Cancellation);
        var error = await Assert.ThrowsAsync<ConnectionException>(() => ReadAllAsync(stream.Input));

        Assert.Equal(ConnectionError.ProtocolNotSupported, error.Reason);
    }

    private static async Task EchoAsync(PeerConnection connection, int seed, int size)
    {
        byte[] sent = Bytes(seed, size);
        await using PeerStream stream = await connection.OpenStreamAsync(Echo, Cancellation);
        Task<byte[]> reading = ReadAllAsync(stream.Input);
        await stream.Output.WriteAsync(sent, Cancellation);
        await stream.Output.CompleteAsync();

        Assert.Equal(sent, await reading);
    }

    private static byte[] Bytes(int seed, int size)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task<byte[]> ReadAllAsync(PipeReader input)
    {
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await input.ReadAsync(Cancellation);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer) all.Write(piece.Span);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return all.WrittenSpan.ToArray();
        }
    }

    /// <summary>A host in this process and its connection to the JavaScript peer.</summary>
    private sealed class Dialler(PeerIdentity identity, PeerHost host, PeerConnection connection) : IAsyncDisposable
    {
        internal PeerConnection Connection => connection;

        internal static async Task<Dialler> ConnectAsync(JsPeer js)
        {
            var identity = PeerIdentity.Generate();
            var host = new PeerHost(identity);
            return new Dialler(identity, host, await host.ConnectAsync(Multiaddr.Parse(js.Address), Cancellation));
        }

        public async ValueTask DisposeAsync()
        {
            await host.DisposeAsync();
            identity.Dispose();
        }
    }
}
