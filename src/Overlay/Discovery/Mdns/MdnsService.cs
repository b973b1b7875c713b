using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Mdns;

/// <summary>The loop around <see cref="MdnsState"/>: takes packets, looks for links, sends, and tells who was heard.</summary>
/// <remarks>One task, its own; disposing says goodbye to the links and awaits it.</remarks>
internal sealed class MdnsService : IAsyncDisposable
{
    // A link that comes up is used after this time at the latest.
    private static readonly TimeSpan s_linkInterval = TimeSpan.FromSeconds(5);

    private const int PeerNameSize = 40;

    private readonly IMulticast _multicast;
    private readonly MdnsState _state;
    private readonly Func<IReadOnlyList<Multiaddr>> _addresses;
    private readonly Action<IReadOnlyList<MdnsPeer>> _heard;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private IReadOnlyList<MdnsPeer> _lastHeard = [];
    private DateTimeOffset _nextLinks;

    /// <param name="multicast">The links; then this object's.</param>
    /// <param name="self">This node.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="addresses">Where this node listens now.</param>
    /// <param name="heard">Told, on the loop's thread, of all peers heard whenever they are others than before.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Of the delays.</param>
    /// <param name="logger">Where links are told.</param>
    internal MdnsService(
        IMulticast multicast, PeerId self, MdnsOptions options, Func<IReadOnlyList<Multiaddr>> addresses, Action<IReadOnlyList<MdnsPeer>> heard,
        TimeProvider time, Random random, ILogger logger)
    {
        _multicast = multicast;
        _state = new MdnsState(self, RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", PeerNameSize), options, random);
        _addresses = addresses;
        _heard = heard;
        _time = time;
        _logger = logger;
        _running = Task.Run(RunAsync);
    }

    /// <summary>What was not used, by reason; a snapshot.</summary>
    internal IReadOnlyDictionary<MdnsRefusal, long> Refusals { get; private set; } = new Dictionary<MdnsRefusal, long>();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _state.Stop();
        SendAll();
        await _multicast.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                DateTimeOffset now = _time.GetUtcNow();
                if (now >= _nextLinks) LookForLinks(now);
                _state.Advance(now);
                SendAll();
                TellHeard();
                TimeSpan pause = Earlier(_state.Due, _nextLinks) - now;
                if (await NextPacketAsync(pause > TimeSpan.Zero ? pause : TimeSpan.Zero).ConfigureAwait(false) is { } packet)
                    _state.Receive(packet.Link, packet.Source, packet.Packet, _time.GetUtcNow());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            // The node is stopping.
        }
    }

    private void LookForLinks(DateTimeOffset now)
    {
        _nextLinks = now + s_linkInterval;
        _state.SetAddresses(_addresses(), now);
        _state.SetLinks(_multicast.FindLinks(), now);
    }

    private async ValueTask<MdnsPacket?> NextPacketAsync(TimeSpan pause)
    {
        using var due = new CancellationTokenSource(pause, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, _stopping.Token);
        try
        {
            return await _multicast.ReceiveAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    private void SendAll()
    {
        foreach (MdnsSend send in _state.TakeSends()) _multicast.Send(send);
    }

    private void TellHeard()
    {
        Refusals = new Dictionary<MdnsRefusal, long>(_state.Refusals);
        IReadOnlyList<MdnsPeer> heard = _state.Peers;
        if (heard.Count == _lastHeard.Count && heard.Zip(_lastHeard).All(pair => IsSame(pair.First, pair.Second))) return;
        _lastHeard = heard;
        DiscoveryLog.Heard(_logger, heard.Count);
        _heard(heard);
    }

    private static bool IsSame(MdnsPeer a, MdnsPeer b) => a.Peer == b.Peer && a.Addresses.SequenceEqual(b.Addresses);

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
