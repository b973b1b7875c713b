using Overlay.Proofs;
using Overlay.Sharing;

namespace Overlay.Node.Dashboard;

/// <summary>How fast a node serves, from one look at its sessions to the next. One owner at a time.</summary>
/// <remarks>A session that ended between two looks takes its last moments with it: rates are to look at, receipts are to count by.</remarks>
internal sealed class ServiceRate
{
    private Dictionary<Digest, (ulong Down, ulong Up)> _counted = [];

    /// <summary>Bytes to consumers and from them since the look before; since their beginning at the first.</summary>
    internal (ulong Down, ulong Up) Advance(IReadOnlyList<ServedSession> sessions)
    {
        ulong down = 0, up = 0;
        var counted = new Dictionary<Digest, (ulong Down, ulong Up)>(sessions.Count);
        foreach (ServedSession session in sessions)
        {
            (ulong Down, ulong Up) before = _counted.GetValueOrDefault(session.Id);
            counted[session.Id] = (session.Down.Bytes, session.Up.Bytes);
            down += session.Down.Bytes - Math.Min(before.Down, session.Down.Bytes);
            up += session.Up.Bytes - Math.Min(before.Up, session.Up.Bytes);
        }

        _counted = counted;
        return (down, up);
    }
}
