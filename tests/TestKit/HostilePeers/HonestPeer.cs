using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>The peer whose service must go on: dials, has some bytes echoed, closes.</summary>
public sealed class HonestPeer : IAsyncDisposable
{
    /// <summary>Echoes what it reads until its end.</summary>
    public const string Echo = "/echo/1.0.0";

    /// <summary>Never reads: what arrives stays where it is.</summary>
    public const string Sink = "/sink/1.0.0";

    private const int MessageSize = 2000;

    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private readonly PeerHost _host;

    /// <summary>A peer that dials through <paramref name="transport"/>, on <paramref name="time"/>.</summary>
    public HonestPeer(IByteTransport transport, TimeProvider? time = null) => _host = new PeerHost(_identity, null, [transport], time);

    /// <summary>Makes a host serve <see cref="Echo"/> and <see cref="Sink"/>.</summary>
    public static void Serve(PeerHost host)
    {
        host.Protocols.Handle(Echo, EchoAsync);
        host.Protocols.Handle(Sink, static (stream, cancellationToken) => stream.Completion.WaitAsync(cancellationToken));
    }

    /// <summary>One visit. False when it failed in any way.</summary>
    public async Task<bool> TryVisitAsync(HostileTarget target, CancellationToken cancellationToken)
    {
        try
        {
            PeerConnection connection = await _host.ConnectAnewAsync(target.PeerId, [target.Address], cancellationToken);
            await using (connection)
            {
                bool echoed = await EchoOnceAsync(connection, cancellationToken);
                await connection.CloseAsync(cancellationToken);
                return echoed;
            }
        }
        catch (ConnectionException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _identity.Dispose();
    }

    private static async Task<bool> EchoOnceAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        await using PeerStream stream = await connection.OpenStreamAsync(Echo, cancellationToken);
        byte[] sent = RandomNumberGenerator.GetBytes(MessageSize);
        await stream.Output.WriteAsync(sent, cancellationToken);
        await stream.Output.CompleteAsync();
        ReadResult received = await stream.Input.ReadAtLeastAsync(MessageSize, cancellationToken);
        bool same = received.Buffer.Length == MessageSize && received.Buffer.ToArray().AsSpan().SequenceEqual(sent);
        stream.Input.AdvanceTo(received.Buffer.End);
        return same;
    }

    private static async Task EchoAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await stream.Input.ReadAsync(cancellationToken);
            foreach (ReadOnlyMemory<byte> piece in read.Buffer) await stream.Output.WriteAsync(piece, cancellationToken);
            stream.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        await stream.Output.CompleteAsync();
    }
}
