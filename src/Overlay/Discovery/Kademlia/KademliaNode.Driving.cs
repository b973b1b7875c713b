using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

internal sealed partial class KademliaNode
{
    // Answers of which all the peers named must be dead before that is held against the sender.
    private const int LeastDeadPeers = 8;

    // A request stalls, then is overdue.
    private const int MaxStallCount = 2;

    private readonly Dictionary<long, Pending> _pending = [];
    private readonly PriorityQueue<Timer, (TimeSpan At, long Order)> _timers = new();
    private long _lastRequest;
    private long _lastTimer;

    private enum TimerKind
    {
        Request = 1,
        Operation,
        Refresh,
        Maintenance,
    }

    /// <summary>When <see cref="Tick"/> wants to be called next, at the latest.</summary>
    internal TimeSpan NextTick => _timers.TryPeek(out _, out (TimeSpan At, long Order) next) ? next.At : TimeSpan.MaxValue;

    /// <summary>Does what time has made due.</summary>
    internal void Tick(TimeSpan now)
    {
        while (_timers.TryPeek(out Timer timer, out (TimeSpan At, long Order) due) && due.At <= now)
        {
            _timers.Dequeue();
            switch (timer.Kind)
            {
                case TimerKind.Request:
                    RequestIsLate(timer.Id, now);
                    break;
                case TimerKind.Operation:
                    Drive(timer.Operation!, now);
                    break;
                case TimerKind.Refresh:
                    RefreshDue(now);
                    break;
                default:
                    Maintain(now);
                    At(now + MaintenanceInterval, timer);
                    break;
            }
        }
    }

    /// <summary>Takes the answer to a request.</summary>
    /// <param name="id">The request.</param>
    /// <param name="answer">The answer; null for a request that has none.</param>
    /// <param name="reach">How the peer was reached.</param>
    /// <param name="now">The time.</param>
    internal void Answered(long id, KademliaMessage? answer, PeerReach reach, TimeSpan now)
    {
        if (!_pending.Remove(id, out Pending? request)) return;
        if (answer is not null && answer.Type != request.Message.Type)
        {
            Misbehaved(request.Peer.Key, Misdeed.Malformed, now);
            GiveUp(request, now);
            return;
        }

        Contact peer = TakeIntoTable(request.Peer, reach, now);
        if (request.Operation is not { } operation)
        {
            Checked(request.Peer, now);
            return;
        }

        if (request.Use == RequestUse.Store)
        {
            operation.DirectWaiting--;
            operation.Stored(peer, answer);
        }
        else if (answer is not null) TakeAnswer(request, operation, peer, answer, reach, now);
        Drive(operation, now);
    }

    /// <summary>Takes note that a request came to nothing.</summary>
    /// <param name="id">The request.</param>
    /// <param name="reason">Why.</param>
    /// <param name="now">The time.</param>
    internal void Failed(long id, RequestFailure reason, TimeSpan now)
    {
        if (!_pending.Remove(id, out Pending? request)) return;
        if (reason == RequestFailure.Local && request.Operation is null)
        {
            // Nobody was checked.
            _checking.Remove(request.Peer.Key);
            return;
        }

        if (reason == RequestFailure.Malformed) Misbehaved(request.Peer.Key, Misdeed.Malformed, now);
        // A limit of this node's own says nothing about the peer, and that it does not take a record is its right.
        else if (reason == RequestFailure.Peer || (reason == RequestFailure.Refused && request.Use != RequestUse.Store))
        {
            NoteOutcome(failed: true);
            Table.Failed(request.Peer.Key);
        }

        GiveUp(request, now);
    }

    private void TakeAnswer(Pending request, Operation operation, Contact peer, KademliaMessage answer, PeerReach reach, TimeSpan now)
    {
        AddressGroup? group = reach.DialledAt is { } address ? _policy.LimitedGroup(address) : null;
        bool counts = true;
        if (request.Lookup is { } lookup)
        {
            List<Contact> closer = ReadCloser(answer.CloserPeers, lookup, now);
            counts = lookup.Answered(peer.Key, group, closer);
            if (counts && IsDistant(peer, lookup.Target, closer)) Misbehaved(peer.Key, Misdeed.DistantPeers, now);
        }
        else operation.DirectWaiting--;

        if (!counts) return;
        operation.Region?.Add(peer);
        if (request.Message.Type == KademliaMessageType.FindNode && operation.AsksForContent)
        {
            // A part of the region is searched by a place of its own; who is found there is asked for the thing itself.
            if (operation.Region?.Contains(peer) == true && operation.Asked.Add(peer.Key)) operation.Direct.Enqueue((peer, operation.Request));
        }
        else if (operation.Take(peer, answer, this) is { } misdeed) Misbehaved(peer.Key, misdeed, now);
    }

    /// <summary>Those of the peers named in an answer that may be asked: dialable, and not known for rubbish.</summary>
    private List<Contact> ReadCloser(IReadOnlyList<Contact> named, Lookup lookup, TimeSpan now)
    {
        var closer = new List<Contact>(Math.Min(named.Count, _options.BucketSize));
        for (int i = 0; i < named.Count && closer.Count < _options.BucketSize; i++)
        {
            Contact peer = Sanitize(named[i]);
            if (peer.Addresses.Count == 0)
            {
                // Known here to be reachable, whatever the other has left out.
                if (Table.Find(peer.Key) is not { } entry) continue;
                peer = entry.Contact;
            }

            if (Standings.IsShunned(peer.Key, now)) continue;
            // Those that have cost time before are tried where there are few others.
            if (Standings.IsDoubtful(peer.Key, now) && lookup.Peers.Count >= _options.BucketSize) continue;
            closer.Add(peer);
        }

        return closer;
    }

    /// <summary>Whether an answer names nobody nearer than the one who sent it, though the network is so large that it must know some.</summary>
    private bool IsDistant(Contact from, in Key target, List<Contact> closer)
    {
        if (Size.Estimate is not { } size || closer.Count == 0) return false;
        int own = from.Key.CommonPrefixLength(target);
        if (size * Math.ScaleB(1, -own) < 4 * _options.BucketSize) return false;
        foreach (Contact peer in closer)
            if (peer.Key.CommonPrefixLength(target) >= own) return false;
        return true;
    }

    private void Misbehaved(in Key peer, Misdeed misdeed, TimeSpan now)
    {
        if (Standings.Note(peer, misdeed, now)) Table.Remove(peer);
    }

    private void GiveUp(Pending request, TimeSpan now)
    {
        if (request.Operation is not { } operation)
        {
            Checked(request.Peer, now);
            return;
        }

        if (request.Lookup is { } lookup) lookup.Failed(request.Peer.Key);
        else operation.DirectWaiting--;
        Drive(operation, now);
    }

    private void RequestIsLate(long id, TimeSpan now)
    {
        if (!_pending.TryGetValue(id, out Pending? request)) return;
        request.StallCount++;
        TimeSpan waited = _options.StallTimeout * request.StallCount;
        if (request.StallCount > MaxStallCount || waited >= _options.RequestTimeout)
        {
            _actions.Enqueue(new CancelRequest(id));
            Failed(id, RequestFailure.Peer, now);
            return;
        }

        // It stalls, is overdue, and fails.
        TimeSpan next = request.StallCount == MaxStallCount ? _options.RequestTimeout - waited : _options.StallTimeout;
        At(now + (waited + next < _options.RequestTimeout ? next : _options.RequestTimeout - waited), new Timer(TimerKind.Request, id, null));
        if (request.Lookup is not { } lookup || request.Operation is not { } operation) return;
        lookup.Stalled(request.Peer.Key);
        Drive(operation, now);
    }

    private void Drive(Operation operation, TimeSpan now)
    {
        while (!operation.HasEnded)
        {
            bool isLate = now >= operation.Deadline + (operation.IsStoring ? _options.RequestTimeout : TimeSpan.Zero);
            if (operation.IsStoring)
            {
                SendDirect(operation, RequestUse.Store, now);
                if (operation.DirectWaiting == 0 || isLate) End(operation, now);
                return;
            }

            if (!isLate && !operation.IsSatisfied)
            {
                SendDirect(operation, RequestUse.Direct, now);
                while (operation.DirectWaiting < _options.Parallelism && operation.Lookup!.Next() is { } next) Ask(operation, next, now);
                if (!operation.Lookup!.IsOver || operation.DirectWaiting > 0) return;
                if (IsEarly(operation))
                {
                    _early.Add(operation);
                    return;
                }

                if (TryGoOn(operation, now)) continue;
            }

            EndSearch(operation, now);
        }
    }

    /// <summary>Begins the next lookup of an operation's region, where its neighbourhood is crowded.</summary>
    private bool TryGoOn(Operation operation, TimeSpan now)
    {
        NoteDeadPeers(operation.Lookup!, now);
        if (!operation.CoversRegion) return false;
        if (operation.Region is null)
        {
            operation.Closest = operation.Lookup!.Closest(_options.BucketSize);
            if (Size.Estimate is not { } size) return false;
            operation.Region = RegionSearch.BeginIfCrowded(operation.Target, operation.Closest, size, _options, _random);
        }

        if (operation.Region?.NextPart() is not { } part) return false;
        StartLookup(operation, Key.Of(part), now, part);
        return true;
    }

    private void EndSearch(Operation operation, TimeSpan now)
    {
        if (operation.Closest.Count == 0) operation.Closest = operation.Lookup!.Closest(_options.BucketSize);
        operation.IsStoring = true;
        _early.Remove(operation);
        operation.Direct.Clear();
        operation.DirectWaiting = 0;
        Abandon(operation);
        foreach ((Contact peer, KademliaMessage message) in operation.Stores(this)) operation.Direct.Enqueue((peer, message));
        if (operation is not GetValueOperation { Best: { } best } reading || reading.ToCorrect(_options.BucketSize) is not { Count: > 0 } wrong) return;
        var correction = new CorrectOperation(best with { TimeReceived = Date(now) }, wrong, now + _options.LookupTimeout) { IsStoring = true, IsBackground = true };
        foreach ((Contact peer, KademliaMessage message) in correction.Stores(this)) correction.Direct.Enqueue((peer, message));
        _operations.Add(correction);
        Drive(correction, now);
    }

    private void End(Operation operation, TimeSpan now)
    {
        if (operation.HasEnded) return;
        operation.HasEnded = true;
        _operations.Remove(operation);
        _early.Remove(operation);
        Abandon(operation);
        PlanNextStore(operation, now);
        if (operation is RefreshOperation refresh) Refreshed(refresh, now);
        else if (!operation.IsBackground) _actions.Enqueue(new OperationEnded(operation));
    }

    /// <summary>What an operation still waits for, nobody waits for any more. An answer that is nearly there would still have taught the table something;
    /// it is let go.</summary>
    private void Abandon(Operation operation)
    {
        if (_pending.Count == 0) return;
        foreach ((long id, Pending request) in _pending.Where(pair => pair.Value.Operation == operation).ToArray())
        {
            _pending.Remove(id);
            _actions.Enqueue(new CancelRequest(id));
            // A peer that has let wait for so long is as good as failed, for the table too.
            if (request.StallCount == 0) continue;
            NoteOutcome(failed: true);
            Table.Failed(request.Peer.Key);
        }
    }

    private void Ask(Operation operation, LookupPeer next, TimeSpan now)
    {
        bool forContent = operation.Region is null || !operation.AsksForContent;
        KademliaMessage message = operation.Region is null ? operation.Request : new KademliaMessage(KademliaMessageType.FindNode, operation.Lookup!.RequestKey);
        if (forContent) operation.Asked.Add(next.Contact.Key);
        Send(next.Contact, message, operation, operation.Lookup, RequestUse.Lookup, isFreshDial: false, now);
    }

    private void SendDirect(Operation operation, RequestUse use, TimeSpan now)
    {
        while (operation.DirectWaiting < _options.Parallelism && operation.Direct.TryDequeue(out (Contact Peer, KademliaMessage Message) next))
        {
            operation.DirectWaiting++;
            Send(next.Peer, next.Message, operation, null, use, isFreshDial: false, now);
        }
    }

    private void Send(Contact peer, KademliaMessage message, Operation? operation, Lookup? lookup, RequestUse use, bool isFreshDial, TimeSpan now)
    {
        long id = ++_lastRequest;
        _pending.Add(id, new Pending(peer, message, operation, lookup, use));
        At(now + (_options.StallTimeout < _options.RequestTimeout ? _options.StallTimeout : _options.RequestTimeout), new Timer(TimerKind.Request, id, null));
        _actions.Enqueue(new SendRequest(id, peer, message, isFreshDial));
    }

    private void StartLookup(Operation operation, in Key target, TimeSpan now, byte[]? requestKey = null)
    {
        List<Contact> seeds = Table.Closest(target, _options.BucketSize, includeFailing: true);
        // Those that a crowded lookup has found would lead back into the crowd; only the table's own peers lead out of it.
        if (seeds.Count < _options.BucketSize && operation.Lookup is { } earlier) seeds = Nearest(seeds.Concat(earlier.Closest(_options.BucketSize).Select(peer => peer.Contact)), target);
        if (seeds.Count < _options.BucketSize) seeds = Nearest(seeds.Concat(_bootstrap), target);
        Table.MarkRefreshed(target, now);
        operation.Lookup = new Lookup(Self.Key, target, seeds, operation.PathCount ?? _options.DisjointPaths, _options) { RequestKey = requestKey ?? operation.RequestKey };
    }

    private List<Contact> Nearest(IEnumerable<Contact> contacts, Key target) =>
        [.. contacts.DistinctBy(contact => contact.Key).OrderBy(contact => contact.Key.DistanceTo(target)).Take(_options.BucketSize)];

    private void NoteDeadPeers(Lookup lookup, TimeSpan now)
    {
        Dictionary<LookupPeer, (int Dead, int Live)>? named = null;
        foreach (LookupPeer peer in lookup.Peers)
        {
            if (peer.NamedBy is not { } by || peer.State is not (LookupPeerState.Answered or LookupPeerState.Failed or LookupPeerState.Stalled or LookupPeerState.Overdue)) continue;
            (int dead, int live) = (named ??= []).GetValueOrDefault(by);
            named[by] = peer.State == LookupPeerState.Answered ? (dead, live + 1) : (dead + 1, live);
        }

        if (named is null) return;
        foreach ((LookupPeer by, (int dead, int live)) in named)
            if (live == 0 && dead >= LeastDeadPeers) Misbehaved(by.Contact.Key, Misdeed.DeadPeers, now);
    }

    private void At(TimeSpan time, Timer timer) => _timers.Enqueue(timer, (time, ++_lastTimer));

    private readonly record struct Timer(TimerKind Kind, long Id, Operation? Operation);

    private enum RequestUse
    {
        Lookup = 1,
        Direct,
        Store,
        Check,
    }

    private sealed class Pending(Contact peer, KademliaMessage message, Operation? operation, Lookup? lookup, RequestUse use)
    {
        internal Contact Peer => peer;

        internal KademliaMessage Message => message;

        internal Operation? Operation => operation;

        internal Lookup? Lookup => lookup;

        internal RequestUse Use => use;

        /// <summary>How often it was found to let wait.</summary>
        internal int StallCount { get; set; }
    }
}

/// <summary>How a peer was reached.</summary>
/// <param name="DialledAt">The address that this node dialled; null when the peer had come by itself, from a port that says nothing about where it
/// listens.</param>
/// <param name="OwnAddresses">The addresses that the peer itself says it listens at; null when it has not said.</param>
internal readonly record struct PeerReach(Multiaddr? DialledAt, IReadOnlyList<Multiaddr>? OwnAddresses);

/// <summary>Why a request came to nothing.</summary>
internal enum RequestFailure
{
    /// <summary>The peer could not be reached, or did not answer.</summary>
    Peer = 1,

    /// <summary>It was reached and refused.</summary>
    Refused,

    /// <summary>It answered with what is no message, or over a limit.</summary>
    Malformed,

    /// <summary>This node had no room for the request.</summary>
    Local,
}
