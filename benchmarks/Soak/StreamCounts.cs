namespace Overlay.Benchmarks.Soak;

/// <summary>Compares what both ends of each stream have counted, and keeps what went wrong.</summary>
/// <remarks>The two ends' lines come on two pipes in any order, and so does the word that a connection is being cut; so nothing is judged before it has
/// had time to come. Safe on several threads.</remarks>
internal sealed class StreamCounts
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private const int MaxShown = 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, End> _waiting = [];
    private readonly List<Suspect> _suspects = [];
    private readonly HashSet<uint> _cut = [], _closing = [];
    private readonly List<string> _faults = [];

    /// <summary>Streams whose ends agree.</summary>
    internal long EqualCount { get; private set; }

    /// <summary>Payload bytes of these streams, both directions.</summary>
    internal long EqualBytes { get; private set; }

    /// <summary>Streams on connections that were cut, of which nothing can be said.</summary>
    internal long CutCount { get; private set; }

    /// <summary>Connections that were cut.</summary>
    internal int CutConnections
    {
        get
        {
            lock (_lock) return _cut.Count;
        }
    }

    /// <summary>What went wrong so far.</summary>
    internal IReadOnlyList<string> Faults
    {
        get
        {
            lock (_lock) return [.. _faults];
        }
    }

    internal void Cut(uint connection)
    {
        lock (_lock) _cut.Add(connection);
    }

    internal void Closing(uint connection)
    {
        lock (_lock) _closing.Add(connection);
    }

    /// <summary>Takes a fault that is forgiven if its connection turns out to have been cut.</summary>
    internal void Fault(TimeSpan now, uint connection, string text)
    {
        lock (_lock) _suspects.Add(new Suspect(now, connection, IsRefusal: false, text));
    }

    /// <summary>Takes a stream that was reset without an answer, which is forgiven if its connection turns out to have been closed or cut.</summary>
    internal void Refused(TimeSpan now, uint connection, string text)
    {
        lock (_lock) _suspects.Add(new Suspect(now, connection, IsRefusal: true, text));
    }

    /// <summary>Takes a fault that nothing forgives.</summary>
    internal void Fault(string text)
    {
        lock (_lock) AddFault(text);
    }

    internal void Take(TimeSpan now, ulong id, uint connection, bool isNear, long sent, long received)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(id, out End first))
            {
                _waiting.Add(id, new End(now, connection, isNear, sent, received));
                return;
            }

            if (first.IsNear == isNear)
            {
                AddFault($"stream {id} was reported twice by its {(isNear ? "near" : "far")} end");
            }
            else if (first.Sent != received || first.Received != sent)
            {
                string text = $"stream {id}: one end sent {first.Sent} and received {first.Received}, the other received {received} and sent {sent}";
                _suspects.Add(new Suspect(now, connection, IsRefusal: false, text));
            }
            else
            {
                EqualCount++;
                EqualBytes += sent + received;
            }
        }
    }

    /// <summary>Judges what has waited long enough; at the end, everything.</summary>
    internal void Judge(TimeSpan now, bool isEnd)
    {
        lock (_lock)
        {
            TimeSpan limit = isEnd ? TimeSpan.MaxValue : now - s_patience;
            foreach ((ulong id, End end) in _waiting.Where(pair => pair.Value.At < limit).ToList())
            {
                _waiting.Remove(id);
                if (_cut.Contains(end.Connection)) CutCount++;
                else AddFault($"stream {id}: only the {(end.IsNear ? "near" : "far")} end came to its end ({end.Sent} sent, {end.Received} received)");
            }

            foreach (Suspect suspect in _suspects.Where(suspect => suspect.At < limit))
            {
                if (suspect.IsRefusal && _closing.Contains(suspect.Connection)) continue;
                if (_cut.Contains(suspect.Connection)) CutCount++;
                else AddFault(suspect.Text);
            }

            _suspects.RemoveAll(suspect => suspect.At < limit);
        }
    }

    private void AddFault(string text)
    {
        _faults.Add(text);
        // At once as well as at the end: whoever watches need not wait for an hour.
        if (_faults.Count <= MaxShown) Console.WriteLine(text);
    }

    private readonly record struct Suspect(TimeSpan At, uint Connection, bool IsRefusal, string Text);

    private readonly record struct End(TimeSpan At, uint Connection, bool IsNear, long Sent, long Received);
}
