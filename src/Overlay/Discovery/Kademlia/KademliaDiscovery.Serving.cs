using Overlay.Diagnostics;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;

namespace Overlay.Discovery.Kademlia;

internal sealed partial class KademliaDiscovery
{
    // Three lookups' worth of requests of one peer at once.
    private const int MaxInboundStreams = 32;

    // What one search may find before its reader has looked; the search itself finds no more.
    private const int MaxFound = 4096;

    /// <summary>Answers one stream's requests, one after another, until the peer ends it or is silent for as long as a request may take.</summary>
    private async Task ServeAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        using var idle = new CancellationTokenSource(_options.RequestTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token, idle.Token);
        using CancellationTokenRegistration abort = either.Token.UnsafeRegister(static state => ((PeerStream)state!).Abort("The stream was idle, or the node is stopping."), stream);
        try
        {
            while (await MessageFrames.ReadAsync(stream.Input, _options.MaxMessageSize, either.Token).ConfigureAwait(false) is { } encoded)
            {
                if (!KademliaCodec.TryDecode(encoded, _options, out KademliaMessage? request) || !TryServe(stream, request, out KademliaMessage? answer))
                {
                    Refuse(stream);
                    return;
                }

                _metrics?.Served();
                if (answer is not null) await stream.Output.WriteAsync(LengthPrefixed.Frame(KademliaCodec.Encode(answer)), either.Token).ConfigureAwait(false);
                idle.CancelAfter(_options.RequestTimeout);
                await MeetAsync(stream, either.Token).ConfigureAwait(false);
            }

            await stream.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (InvalidDataException)
        {
            Refuse(stream);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException)
        {
            // The peer's own affair: it has gone, or never ended its stream.
        }
    }

    private bool TryServe(PeerStream stream, KademliaMessage request, out KademliaMessage? answer)
    {
        bool isServed = false;
        KademliaMessage? given = null;
        RequestOrigin origin = OriginOf(stream);
        if (request.Type == KademliaMessageType.PutValue) request = _node.Rules.Judge(request);
        Step((node, now) => isServed = node.TryServe(origin, request, now, out given));
        answer = given;
        return isServed;
    }

    private RequestOrigin OriginOf(PeerStream stream)
    {
        PeerInfo? info = _host.FindPeerInfo(stream.Connection);
        return new RequestOrigin(
            new Contact(stream.RemotePeer, info?.ListenAddresses ?? []), info?.Protocols.Contains(_options.Protocol) == true, stream.Connection.RemoteAddress);
    }

    /// <summary>Lets the node meet an asker whom it could not yet, because the peer had not said what it is.</summary>
    private async ValueTask MeetAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        lock (_lock)
            if (_node.Table.Find(Key.Of(stream.RemotePeer)) is not null) return;
        PeerInfo info = _host.FindPeerInfo(stream.Connection) ?? await _host.IdentifyAsync(stream.Connection, cancellationToken).ConfigureAwait(false);
        if (info.Protocols.Contains(_options.Protocol)) Meet(info.PeerId, info.ListenAddresses);
    }

    private void Refuse(PeerStream stream)
    {
        _metrics?.Refused();
        KademliaLog.Refused(_logger, stream.RemotePeer);
        stream.Abort("The request was refused.");
    }
}
