using Overlay.Transport.Identity;

namespace Overlay.Gossip.Links;

/// <summary>Peers whose stream has failed, and how long they are left alone: 1 s the first time, twice as long each further time, a minute at most.</summary>
/// <param name="capacity">How many are remembered; those that rest for the shortest time give way.</param>
/// <remarks>The owner's lock guards it.</remarks>
internal sealed class RestBook(int capacity)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1), s_longest = TimeSpan.FromMinutes(1);

    private readonly Dictionary<PeerId, Rest> _rests = [];

    internal int Count => _rests.Count;

    internal bool IsResting(PeerId peer, TimeSpan now) => _rests.TryGetValue(peer, out Rest rest) && now < rest.Until;

    /// <summary>A peer's stream has ended.</summary>
    internal void Begin(PeerId peer, TimeSpan streamBegan, TimeSpan now)
    {
        bool isKnown = _rests.TryGetValue(peer, out Rest rest);
        if (!isKnown && _rests.Count >= capacity) _rests.Remove(_rests.MinBy(pair => pair.Value.Until).Key);
        // Who was there for a while has shown that it can be.
        TimeSpan length = !isKnown || now - streamBegan > s_longest ? s_first : rest.Length * 2;
        if (length > s_longest) length = s_longest;
        _rests[peer] = new Rest(length, now + length);
    }

    /// <summary>Forgets those who could have come back for a while, and have not failed again.</summary>
    internal void Forget(TimeSpan now)
    {
        foreach (PeerId peer in _rests.Where(pair => now > pair.Value.Until + s_longest).Select(pair => pair.Key).ToArray()) _rests.Remove(peer);
    }

    private readonly record struct Rest(TimeSpan Length, TimeSpan Until);
}
