namespace Overlay.Transport.Resources;

/// <summary>How often each scope had no room for each resource. Guarded by the budget's gate.</summary>
internal sealed class RefusalCounts
{
    private const int KindCount = (int)ResourceKind.InboundRate + 1;

    private readonly long[] _counts = new long[((int)ResourceScopeKind.TransientPeer + 1) * KindCount];

    internal void Add(in ResourceRefusal refusal) => _counts[((int)refusal.Scope * KindCount) + (int)refusal.Resource]++;

    /// <summary>Those that happened.</summary>
    internal List<RefusalCount> ToList()
    {
        var happened = new List<RefusalCount>();
        for (int i = 0; i < _counts.Length; i++)
            if (_counts[i] > 0) happened.Add(new RefusalCount((ResourceScopeKind)(i / KindCount), (ResourceKind)(i % KindCount), _counts[i]));
        return happened;
    }
}
