using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Follows each session's chain through a ledger and adds up. All but what needs the curve, which <see cref="LedgerPage"/> does. Not safe on several threads.</summary>
internal sealed class LedgerAudit
{
    private readonly Dictionary<(Digest, LedgerRole), Course> _courses = [];
    private long? _counted;
    private long _countersigned;

    internal long ReceiptCount { get; private set; }

    /// <summary>Final receipts with both signatures.</summary>
    internal long FinishedCount { get; private set; }

    internal void Add(SessionRecord session) => _courses.Add((session.SessionId, session.Role), new Course(session));

    /// <summary>Takes the next receipt; says what is wrong with it, its signatures and its commitment aside.</summary>
    internal string? Add(ReceiptEntry entry, out SessionRecord? session)
    {
        session = null;
        if (!_courses.TryGetValue((entry.Receipt.Body.SessionId, entry.Role), out Course? course))
            return $"{LedgerRules.Describe(entry)}: its session is not in the ledger.";
        string? objection = LedgerRules.ObjectToTerms(course.Session, entry) ?? LedgerRules.ObjectToSuccessor(course.Last, entry);
        if (objection is not null) return $"{LedgerRules.Describe(entry)}: {objection}.";
        session = course.Session;
        course.Last = entry;
        course.Count++;
        if (entry.Receipt.IsCountersigned)
        {
            course.Agreed[entry.Receipt.Body.Leg] = entry.Opening;
            _countersigned++;
            if (entry.Receipt.Body.Final) FinishedCount++;
        }

        ReceiptCount++;
        return null;
    }

    /// <summary>How many receipts of a session were read, and the hash of the newest.</summary>
    internal (long Count, Digest Head) Find(Digest sessionId, LedgerRole role) =>
        _courses.TryGetValue((sessionId, role), out Course? course) ? (course.Count, course.Last?.Receipt.Hash ?? default) : default;

    /// <summary>A session that says it came to its end, and whose newest receipt says otherwise.</summary>
    internal string? FindUnfinished()
    {
        foreach (Course course in _courses.Values)
        {
            if (course.Session.State is SessionState.Settled or SessionState.Closed && course.Last is { } last
                && !(last.Receipt.Body.Final && last.Receipt.IsCountersigned))
                return $"{LedgerRules.Describe(last)}: the session is {course.Session.State}, but this, its newest receipt, is not final and countersigned.";
        }

        return null;
    }

    /// <summary>Lets the verdict count no more receipts than stand before a fault that was found behind them.</summary>
    internal void CountOnly(long count) => _counted = count;

    internal LedgerVerdict Conclude(string? fault) => new()
    {
        FirstFault = fault,
        SessionCount = _courses.Count,
        ReceiptCount = _counted ?? ReceiptCount,
        CountersignedCount = Math.Min(_countersigned, _counted ?? long.MaxValue),
        Provided = Total(LedgerRole.Provider),
        Consumed = Total(LedgerRole.Consumer),
    };

    private ServiceTotal Total(LedgerRole role)
    {
        var total = default(ServiceTotal);
        foreach (Course course in _courses.Values.Where(course => course.Session.Role == role))
            foreach (ReceiptOpening leg in course.Agreed.Values)
                total = new ServiceTotal(total.Up + leg.Up, total.Down + leg.Down);
        return total;
    }

    private sealed class Course(SessionRecord session)
    {
        public SessionRecord Session { get; } = session;

        public ReceiptEntry? Last { get; set; }

        public long Count { get; set; }

        public Dictionary<uint, ReceiptOpening> Agreed { get; } = [];
    }
}
