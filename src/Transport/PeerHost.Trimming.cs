using System.Threading.Channels;
using Overlay.Transport.Connections;
using Overlay.Transport.Diagnostics;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport;

public sealed partial class PeerHost
{
    private readonly TrimRule _trimRule;
    private readonly PeerTags _tags;
    // Holds one item when there may be something to trim.
    private readonly Channel<bool> _trimSignal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Task _trimming;
    private long _lastRoomMade;
    private Task? _makingRoom;

    /// <summary>Keeps the connections with a peer from being trimmed, until <see cref="Unprotect"/> with the same tag. Limits and losses still end them.</summary>
    /// <param name="peer">Whom; connected or not.</param>
    /// <param name="tag">Says who protects: each protection is taken away by itself.</param>
    /// <returns>False when the peer has <see cref="TrimOptions.MaxTagsPerPeer"/> protections, or <see cref="TrimOptions.MaxTaggedPeerCount"/> is reached: it is then not protected by this call.</returns>
    public bool Protect(PeerId peer, string tag) => _tags.TryProtect(NotNull(peer), NotNull(tag));

    /// <summary>Takes a protection away.</summary>
    /// <returns>Whether another protection still holds.</returns>
    public bool Unprotect(PeerId peer, string tag) => _tags.Unprotect(NotNull(peer), NotNull(tag));

    /// <summary>Whether any protection holds for a peer.</summary>
    public bool IsProtected(PeerId peer) => _tags.Weigh(NotNull(peer)).IsProtected;

    /// <summary>Gives a peer a value: when connections have to go, those with the least valuable peers go first. A peer is worth the sum of its tags.</summary>
    /// <param name="peer">Whom; connected or not.</param>
    /// <param name="tag">What for; a second value for the same tag replaces the first.</param>
    /// <param name="value">More is better; negative is worse than a stranger.</param>
    /// <returns>False when the peer has <see cref="TrimOptions.MaxTagsPerPeer"/> tags, or <see cref="TrimOptions.MaxTaggedPeerCount"/> is reached.</returns>
    public bool Tag(PeerId peer, string tag, int value) => _tags.TryTag(NotNull(peer), NotNull(tag), value);

    /// <summary>Takes a tag and its value away.</summary>
    public void Untag(PeerId peer, string tag) => _tags.Untag(NotNull(peer), NotNull(tag));

    /// <summary>Trims whenever enough connections stand, one trim at a time. Owned by the host, which awaits it.</summary>
    private async Task TrimLoopAsync()
    {
        try
        {
            while (true)
            {
                await _trimSignal.Reader.ReadAsync(_stopping.Token).ConfigureAwait(false);
                // Those that are new now are not later, without anybody's doing: as long as there are so many, the question is asked again.
                while (_table.Count >= _trimRule.HighWater)
                {
                    await TrimAsync().ConfigureAwait(false);
                    await Task.Delay(_options.Trimming.SilencePeriod, _time, _stopping.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private async Task TrimAsync()
    {
        // One moment for all, before anybody is counted: of those that came together, none is past its grace before the others.
        long now = _time.GetTimestamp();
        IReadOnlyList<MuxedPeerConnection> connections = _table.All;
        List<TrimCandidate> chosen = _trimRule.Choose(Weigh(connections, now));
        await Task.WhenAll(chosen.Select(candidate => LetGoAsync(connections[candidate.Index], candidate))).ConfigureAwait(false);
    }

    /// <summary>Begins to close a connection for a newcomer that the budget has refused, where the options say so and one is worth nothing.</summary>
    /// <returns>Completes when it is closed; null when there is nothing to be done. Called by the accept loops.</returns>
    private Task? TryMakeRoom(ResourceRefusal refusal)
    {
        if (_options.Trimming.WhenFull != WhenFull.ReplaceWorthless || refusal.Scope != ResourceScopeKind.Node) return null;
        lock (_listenLock)
        {
            // One newcomer at a time, and not many in a row: what waits here is not in the budget, and a flood must not turn over what stands.
            if (_makingRoom is { IsCompleted: false }) return null;
            if (_makingRoom is not null && _time.GetElapsedTime(_lastRoomMade) < _options.Trimming.SilencePeriod) return null;
            long now = _time.GetTimestamp();
            IReadOnlyList<MuxedPeerConnection> connections = _table.All;
            if (_trimRule.ChooseWorthless(Weigh(connections, now)) is not { } worthless) return null;
            _lastRoomMade = now;
            MuxedPeerConnection connection = connections[worthless.Index];
            return _makingRoom = MakeRoomAsync(connection, worthless);
        }
    }

    private async Task MakeRoomAsync(MuxedPeerConnection connection, TrimCandidate candidate)
    {
        await LetGoAsync(connection, candidate).ConfigureAwait(false);
        // Its claims are given back when its handlers, too, have ended. One that does not heed the end must not keep the newcomer waiting for ever.
        await connection.Ended.WaitAsync(_options.Trimming.CloseTimeout, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LetGoAsync(MuxedPeerConnection connection, TrimCandidate candidate)
    {
        // Since it was weighed, somebody may have come to need it.
        if (_tags.Weigh(connection.RemotePeer).IsProtected) return;
        TransportLog.Trimmed(_logger, connection.RemotePeer, candidate.Direction, candidate.StreamCount, candidate.Value);
        using var limit = new CancellationTokenSource(_options.Trimming.CloseTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        await CloseAsync(connection, either.Token).ConfigureAwait(false);
    }

    private TrimCandidate[] Weigh(IReadOnlyList<MuxedPeerConnection> connections, long now)
    {
        var candidates = new TrimCandidate[connections.Count];
        for (int i = 0; i < candidates.Length; i++)
        {
            MuxedPeerConnection connection = connections[i];
            (int value, bool isProtected) = _tags.Weigh(connection.RemotePeer);
            candidates[i] = new TrimCandidate(i, connection.Direction, connection.AgeAt(now), connection.StreamCount, value, isProtected);
        }

        return candidates;
    }

    private static T NotNull<T>(T value, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class => value ?? throw new ArgumentNullException(name);
}
