using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Market.Selling;

/// <summary>A provider's answers to the demand that it hears: to whom its exit fits it tells its offer, straight at a reply address. To all others it stays silent.</summary>
/// <remarks>Anybody can name anybody's address in a demand, so that dials are few, led nowhere near by the same rule as all that is told from afar, and go to the consumer's key or end in the handshake.</remarks>
internal sealed class DemandAnswering : IAsyncDisposable
{
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(5);

    // What is dialled here is a port that was opened for one answer. Discovery remembers where the node's own connections led, and would call there again: these are of a host of their own.
    private readonly PeerHost _calling;
    private readonly PeerHost _host;
    private readonly PeerIdentity _identity;
    private readonly IOfferSource _offers;
    private readonly MarketBoard _board;
    private readonly DialableAddresses? _dialable;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AnswerRate _rate;
    private readonly int _maxWaiting;
    private readonly Channel<Demand> _waiting;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _workers;

    internal DemandAnswering(
        PeerHost host, PeerIdentity identity, IOfferSource offers, MarketBoard board, DialableAddresses? dialable, MarketLimits limits, TransportOptions transport,
        TimeProvider time, ILogger logger)
    {
        ResourceOptions resources = transport.Resources with { Node = transport.Resources.Node with { MaxConnectionCount = 2 * limits.MaxAnswersAtOnce } };
        _calling = new PeerHost(identity, transport with { Resources = resources, ServePerf = false }, null, time);
        _host = host;
        _identity = identity;
        _offers = offers;
        _board = board;
        _dialable = dialable;
        _time = time;
        _logger = logger;
        _maxWaiting = limits.MaxAnswersWaiting;
        _rate = new AnswerRate(limits, isIsolated: dialable is null);
        _waiting = Channel.CreateBounded<Demand>(new BoundedChannelOptions(limits.MaxAnswersWaiting) { FullMode = BoundedChannelFullMode.DropWrite });
        _workers = [.. Enumerable.Range(0, limits.MaxAnswersAtOnce).Select(_ => Task.Run(WorkAsync))];
    }

    /// <summary>Answers a demand if the exit fits it, unless there are too many.</summary>
    internal void Take(Demand demand)
    {
        if (demand.ReplyAddresses.Count == 0 || demand.Peer == _identity.PeerId || !_offers.Terms.Fit(demand)) return;
        // No answer is counted that has no room to wait.
        if (_waiting.Reader.Count < _maxWaiting && _rate.TryTake(demand, _time.GetUtcNow())) _waiting.Writer.TryWrite(demand);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers).ConfigureAwait(false);
        await _calling.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (Demand demand in _waiting.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false)) await AnswerAsync(demand).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task AnswerAsync(Demand demand)
    {
        using var deadline = new CancellationTokenSource(s_answerTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
        try
        {
            IReadOnlyList<Multiaddr> addresses = _dialable is null ? demand.ReplyAddresses : await _dialable(demand.ReplyAddresses, either.Token).ConfigureAwait(false);
            if (addresses.Count == 0 || await _offers.MakeOfferAsync(either.Token).ConfigureAwait(false) is not { } offer) return;
            PeerConnection connection = await _calling.ConnectAsync(demand.Peer, addresses, either.Token).ConfigureAwait(false);
            try
            {
                await TellAsync(connection, demand, offer, either.Token).ConfigureAwait(false);
            }
            finally
            {
                await connection.CloseAsync(either.Token).ConfigureAwait(false);
            }

            _board.Add(offer, _time.GetUtcNow());
            MarketLog.Offered(_logger, demand.Region, offer.PricePerGiB);
        }
#pragma warning disable CA1031 // A stranger chose the addresses: whatever dialling them throws, the next demand is answered.
        catch (Exception e)
#pragma warning restore CA1031
        {
            MarketLog.OfferFailed(_logger, demand.Region, e.Message);
        }
    }

    private async ValueTask TellAsync(PeerConnection connection, Demand demand, Offer offer, CancellationToken cancellationToken)
    {
        PeerStream stream = await connection.OpenStreamAsync(MarketNames.OfferPush, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        IReadOnlyList<Multiaddr> own = _host.AnnouncedAddresses?.Invoke(connection) ?? _host.ListenAddresses;
        byte[] record = SignedPeerRecord.Create(_identity, [.. own.Select(address => address.WithoutPeerId()).Take(16)], (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds());
        await stream.Output.WriteMessageAsync(new OfferPush(demand.Id, offer.Envelope, record).Encode(), cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        // The consumer's half-close says that it has read.
        if (await stream.Input.ReadMessageAsync(1, cancellationToken).ConfigureAwait(false) is not null)
            throw new SessionException(SessionError.Malformed, "The consumer answered an offer with more than nothing.");
    }
}
