using System.Runtime.CompilerServices;
using Overlay.Discovery.Reachability.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Dials peers that ask for it, and tells them how it went (AutoNAT v2). Safe on several threads.</summary>
/// <param name="options">Limits and deadlines.</param>
/// <param name="rules">Whom to serve.</param>
/// <param name="dialBack">Dials one address, brings the nonce there, and says how it went.</param>
/// <param name="random">Of how many bytes a dial costs.</param>
/// <param name="time">The clock.</param>
internal sealed class AutoNatServer(
    ReachabilityOptions options, AutoNatServerRules rules, Func<PeerId, Multiaddr, ulong, CancellationToken, Task<DialStatus>> dialBack, Random random,
        TimeProvider time)
{
    // Data that trickles in single bytes costs more to read than it costs to send.
    private const int LeastDataSize = 100;

    private long _served;
    private long _refused;

    /// <summary>Requests that were dialled for.</summary>
    internal long ServedCount => Interlocked.Read(ref _served);

    /// <summary>Requests that were not: over a rate, without an address to dial, or against the rules.</summary>
    internal long RefusedCount => Interlocked.Read(ref _refused);

    internal async Task HandleAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(options.QuestionTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            AutoNatMessage message = await stream.Input.ReadAsync(AutoNatMessage.Parser, either.Token).ConfigureAwait(false);
            if (message.MsgCase != AutoNatMessage.MsgOneofCase.DialRequest) throw new AutoNatException($"The peer began with {message.MsgCase}.");
            DialResponse response = await ServeAsync(stream, message.DialRequest, either.Token).ConfigureAwait(false);
            Interlocked.Increment(ref response.Status == DialResponse.Types.ResponseStatus.Ok ? ref _served : ref _refused);
            await stream.Output.WriteAsync(new AutoNatMessage { DialResponse = response }, either.Token).ConfigureAwait(false);
            await stream.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is AutoNatException or OperationCanceledException or ConnectionException)
        {
            Interlocked.Increment(ref _refused);
            stream.Abort(e.Message);
        }
    }

    private async ValueTask<DialResponse> ServeAsync(PeerStream stream, DialRequest request, CancellationToken cancellationToken)
    {
        if (!rules.TryEnter(stream.RemotePeer, time.GetUtcNow())) return new DialResponse { Status = DialResponse.Types.ResponseStatus.ERequestRejected };
        try
        {
            if (rules.Choose(request.Addrs) is not { } chosen) return new DialResponse { Status = DialResponse.Types.ResponseStatus.EDialRefused };
            if (AutoNatServerRules.NeedsPayment(chosen.Address, stream.Connection.RemoteAddress))
            {
                if (!rules.TryEnterPaid(time.GetUtcNow())) return new DialResponse { Status = DialResponse.Types.ResponseStatus.ERequestRejected };
                await TakePaymentAsync(stream, chosen.Index, cancellationToken).ConfigureAwait(false);
            }

            DialStatus status = await dialBack(stream.RemotePeer, chosen.Address, request.Nonce, cancellationToken).ConfigureAwait(false);
            return new DialResponse { Status = DialResponse.Types.ResponseStatus.Ok, AddrIdx = (uint)chosen.Index, DialStatus = status };
        }
        finally
        {
            rules.Leave();
        }
    }

    private async ValueTask TakePaymentAsync(PeerStream stream, int index, CancellationToken cancellationToken)
    {
        int price;
        lock (random) price = random.Next(AutoNatProtocol.LeastDialData, AutoNatProtocol.MostDialData + 1);
        var wanted = new DialDataRequest { AddrIdx = (uint)index, NumBytes = (ulong)price };
        await stream.Output.WriteAsync(new AutoNatMessage { DialDataRequest = wanted }, cancellationToken).ConfigureAwait(false);
        for (int received = 0; received < price;)
        {
            AutoNatMessage message = await stream.Input.ReadAsync(AutoNatMessage.Parser, cancellationToken).ConfigureAwait(false);
            if (message.MsgCase != AutoNatMessage.MsgOneofCase.DialDataResponse)
                throw new AutoNatException($"The peer sent {message.MsgCase} where data were due.");
            int size = message.DialDataResponse.Data.Length;
            if (size > AutoNatProtocol.MaxDataSize) throw new AutoNatException($"{size} bytes in one message, {AutoNatProtocol.MaxDataSize} are allowed.");
            if (size < LeastDataSize && received + size < price) throw new AutoNatException($"{size} bytes in one message that is not the last.");
            received += size;
        }
    }
}
