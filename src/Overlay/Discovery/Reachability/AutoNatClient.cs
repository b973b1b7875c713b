using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Overlay.Discovery.Reachability.Wire;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Asks servers to dial this node, and takes their dials (AutoNAT v2). Safe on several threads.</summary>
internal sealed class AutoNatClient(ReachabilityOptions options, TimeProvider time)
{
    // A dial's nonce can come a little after the word that it was sent.
    private static readonly TimeSpan s_nonceWait = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<Multiaddr>> _waiting = new();

    /// <summary>Asks one server.</summary>
    /// <param name="connection">The server.</param>
    /// <param name="addresses">This node's addresses without the peer, the most urgent first; at least one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Which address was tried and whether it was reached; null when the server tried none.</returns>
    /// <exception cref="AutoNatException">The server broke a rule, or claims a dial that never came.</exception>
    /// <exception cref="ConnectionException">The stream failed.</exception>
    /// <exception cref="OperationCanceledException">It took longer than <see cref="ReachabilityOptions.QuestionTimeout"/>, or the caller gave up.</exception>
    internal async ValueTask<(Multiaddr Address, bool Reached)?> AskAsync(PeerConnection connection, IReadOnlyList<Multiaddr> addresses,
        CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(options.QuestionTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        ulong nonce = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        var dialled = new TaskCompletionSource<Multiaddr>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[nonce] = dialled;
        try
        {
            PeerStream stream = await connection.OpenStreamAsync(AutoNatProtocol.DialRequest, either.Token).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
            try
            {
                var request = new DialRequest { Nonce = nonce };
                foreach (Multiaddr address in addresses) request.Addrs.Add(ByteString.CopyFrom(address.Bytes.Span));
                await stream.Output.WriteAsync(new AutoNatMessage { DialRequest = request }, either.Token).ConfigureAwait(false);
                DialResponse response = await PayAndWaitAsync(stream, addresses.Count, either.Token).ConfigureAwait(false);
                await stream.Output.CompleteAsync().ConfigureAwait(false);
                return await JudgeAsync(response, addresses, dialled.Task, either.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                stream.Abort($"AutoNAT: {e.Message}");
                throw;
            }
        }
        finally
        {
            _waiting.TryRemove(nonce, out _);
        }
    }

    /// <summary>Takes the stream of a dial that this node has asked for; others are reset.</summary>
    internal async Task TakeDialBackAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(options.DialBackTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            DialBack message = await stream.Input.ReadAsync(DialBack.Parser, either.Token).ConfigureAwait(false);
            // Only the nonce counts: the server may dial under another name.
            if (!_waiting.TryGetValue(message.Nonce, out TaskCompletionSource<Multiaddr>? dialled) || !dialled.TrySetResult(stream.Connection.LocalAddress))
                throw new AutoNatException("Nobody here asked for this dial.");
            await stream.Output.WriteAsync(new DialBackResponse(), either.Token).ConfigureAwait(false);
            await stream.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is AutoNatException or OperationCanceledException)
        {
            stream.Abort(e.Message);
        }
    }

    /// <summary>Waits for the answer, and meanwhile sends the bytes that the server asks for.</summary>
    private async ValueTask<DialResponse> PayAndWaitAsync(PeerStream stream, int addressCount, CancellationToken cancellationToken)
    {
        bool hasPaid = false;
        while (true)
        {
            AutoNatMessage message = await stream.Input.ReadAsync(AutoNatMessage.Parser, cancellationToken).ConfigureAwait(false);
            switch (message.MsgCase)
            {
                case AutoNatMessage.MsgOneofCase.DialResponse:
                    return message.DialResponse;
                case AutoNatMessage.MsgOneofCase.DialDataRequest when !hasPaid:
                    DialDataRequest wanted = message.DialDataRequest;
                    if (wanted.AddrIdx >= (uint)addressCount) throw new AutoNatException("The server means an address that was not named.");
                    if (wanted.NumBytes > (ulong)options.MaxDialData)
                        throw new AutoNatException($"The server asks for {wanted.NumBytes} bytes, {options.MaxDialData} are allowed.");
                    await PayAsync(stream, (int)wanted.NumBytes, cancellationToken).ConfigureAwait(false);
                    hasPaid = true;
                    break;
                default:
                    throw new AutoNatException($"The server sent {message.MsgCase} where an answer was due.");
            }
        }
    }

    private static async ValueTask PayAsync(PeerStream stream, int size, CancellationToken cancellationToken)
    {
        var full = new AutoNatMessage { DialDataResponse = new DialDataResponse { Data = ByteString.CopyFrom(new byte[AutoNatProtocol.MaxDataSize]) } };
        // The last may be larger than what is left, so that one message serves for all.
        for (int sent = 0; sent < size; sent += AutoNatProtocol.MaxDataSize) await stream.Output.WriteAsync(full, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(Multiaddr, bool)?> JudgeAsync(
        DialResponse response, IReadOnlyList<Multiaddr> addresses, Task<Multiaddr> dialled, CancellationToken cancellationToken)
    {
        if (response.Status != DialResponse.Types.ResponseStatus.Ok) return null;
        if (response.AddrIdx >= (uint)addresses.Count) throw new AutoNatException("The server tried an address that was not named.");
        Multiaddr address = addresses[(int)response.AddrIdx];
        switch (response.DialStatus)
        {
            case DialStatus.EDialError:
                return (address, false);
            case DialStatus.Ok:
                Multiaddr local;
                try
                {
                    local = await dialled.WaitAsync(s_nonceWait, time, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    throw new AutoNatException("The server says that it dialled, and no dial came.");
                }

                if (!IsSameKind(local, address)) throw new AutoNatException("The dial came by another way than the server says.");
                return (address, true);
            default:
                // Reached, but the nonce was not taken: says nothing for certain (specification, "Requirements for DialStatus").
                return null;
        }
    }

    private static bool IsSameKind(Multiaddr local, Multiaddr dialled) =>
        local.TryGetIPEndPoint(out IPEndPoint? here) && dialled.TryGetIPEndPoint(out IPEndPoint? there) && here.AddressFamily == there.AddressFamily;
}
