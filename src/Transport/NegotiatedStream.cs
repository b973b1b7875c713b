using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Transport;

/// <summary>A muxer's stream whose protocol is agreed on, or proposed and about to be.</summary>
/// <param name="connection">The stream's connection.</param>
/// <param name="inner">The muxer's stream.</param>
/// <param name="protocol">The protocol spoken.</param>
/// <param name="input">The stream's input behind the negotiation.</param>
/// <param name="output">The stream's output behind the negotiation.</param>
/// <param name="negotiationSent">Bytes of the negotiation that this side puts on the stream.</param>
/// <param name="negotiationReceived">Bytes of the negotiation that the other side puts on the stream.</param>
internal sealed class NegotiatedStream(
    PeerConnection connection, MuxedStream inner, string protocol, PipeReader input, PipeWriter output, long negotiationSent, long negotiationReceived) : PeerStream
{
    public override PeerConnection Connection => connection;

    public override string Protocol => protocol;

    public override PipeReader Input => input;

    public override PipeWriter Output => output;

    // Until the whole negotiation has passed, payload stands at zero.
    public override long BytesSent => Math.Max(0, inner.BytesSent - negotiationSent);

    public override long BytesReceived => Math.Max(0, inner.BytesReceived - negotiationReceived);

    public override Task Completion => inner.Completion;

    public override void Abort(string reason) =>
        inner.Abort(new ConnectionException(ConnectionError.StreamAborted, ConnectionStep.Stream, Fault.Local, reason) { Peer = connection.RemotePeer });

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
