namespace Overlay.Transport.Yamux;

/// <summary>What this side may still send on a stream. Guarded by the session's gate.</summary>
internal sealed class SendWindow
{
    internal uint Available { get; private set; } = YamuxOptions.InitialWindow;

    /// <summary>Adds what the peer granted.</summary>
    /// <returns>False when the window would pass 2^32 − 1 bytes, more than an update can ever mean.</returns>
    internal bool TryGrant(uint delta)
    {
        if (delta > uint.MaxValue - Available) return false;
        Available += delta;
        return true;
    }

    /// <summary>Spends up to <paramref name="wanted"/> bytes of credit.</summary>
    internal int Take(int wanted)
    {
        int taken = (int)Math.Min(Available, (uint)wanted);
        Available -= (uint)taken;
        return taken;
    }
}
