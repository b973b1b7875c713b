using Overlay.Market.Buying;
using Overlay.Transport.Identity;

namespace Overlay.Using;

/// <summary>Which exit connections of one name keep to, and which those take that want another each time. Safe on several threads.</summary>
internal sealed class ExitChoices(IExitDirectory exits)
{
    // Names come from local clients; whoever invents more loses the oldest of them.
    private const int MaxNames = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<Name, Choice> _choices = [];
    private readonly HashSet<PeerId> _rotated = [];
    private long _uses;

    internal int Count
    {
        get
        {
            lock (_lock) return _choices.Count;
        }
    }

    /// <summary>The exit to try next; null when there is none left.</summary>
    /// <param name="wish">What is asked for.</param>
    /// <param name="tried">Those that were tried for this connection.</param>
    /// <param name="searches">Whether to look for others when all that are known were tried.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal ValueTask<Exit?> NextAsync(ExitWish wish, IReadOnlySet<PeerId> tried, bool searches, CancellationToken cancellationToken) =>
        !searches ? ValueTask.FromResult(exits.FindKnown(wish, tried)) : wish.ExitPerConnection ? RotateAsync(wish, tried, cancellationToken) : KeepAsync(wish, tried, cancellationToken);

    /// <summary>Lets all names go elsewhere that keep to a provider.</summary>
    internal void Leave(PeerId provider)
    {
        lock (_lock)
        {
            foreach (Choice choice in _choices.Values.Where(choice => choice.Exit?.Peer == provider)) Set(choice, null);
        }
    }

    private async ValueTask<Exit?> RotateAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (exits.FindKnown(wish, new HashSet<PeerId>([.. _rotated, .. tried])) is { } fresh)
            {
                _rotated.Add(fresh.Peer);
                return fresh;
            }

            // All that are known had their turn.
            _rotated.Clear();
        }

        Exit? found = await exits.FindAsync(wish, tried, cancellationToken).ConfigureAwait(false);
        if (found is not null)
        {
            lock (_lock) _rotated.Add(found.Peer);
        }

        return found;
    }

    private async ValueTask<Exit?> KeepAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken)
    {
        Choice choice = ChoiceOf(new Name(wish.Session ?? "", wish.Region, wish.Provider, wish.MaxPricePerGiB, wish.MinRate));
        if (Kept(choice, wish, tried) is { } kept) return kept;
        // One after another: connections that come at once must come to one choice.
        await choice.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Kept(choice, wish, tried) is { } chosen) return chosen;
            Exit? found = await exits.FindAsync(wish, tried, cancellationToken).ConfigureAwait(false);
            // Whoever tries a second one because the first would not connect this one target keeps to the first.
            lock (_lock)
            {
                if (found is not null && choice.Exit is null) Set(choice, found);
            }

            return found;
        }
        finally
        {
            choice.Gate.Release();
        }
    }

    private Exit? Kept(Choice choice, ExitWish wish, IReadOnlySet<PeerId> tried)
    {
        lock (_lock)
        {
            if (choice.Exit is not { } exit) return null;
            if (!exits.IsGood(exit.Peer, wish))
            {
                Set(choice, null);
                return null;
            }

            return tried.Contains(exit.Peer) ? null : exit;
        }
    }

    private Choice ChoiceOf(Name name)
    {
        lock (_lock)
        {
            if (!_choices.TryGetValue(name, out Choice? choice))
            {
                if (_choices.Count >= MaxNames)
                {
                    (Name oldest, Choice leaving) = _choices.MinBy(pair => pair.Value.UsedAt);
                    Set(leaving, null);
                    _choices.Remove(oldest);
                }

                _choices.Add(name, choice = new Choice());
            }

            choice.UsedAt = ++_uses;
            return choice;
        }
    }

    // The caller holds the lock.
    private void Set(Choice choice, Exit? exit)
    {
        if (choice.Exit is { } old) exits.Use(old.Peer, -1);
        choice.Exit = exit;
        if (exit is not null) exits.Use(exit.Peer, +1);
    }

    private readonly record struct Name(string Session, Region Region, PeerId? Provider, decimal? MaxPrice, BitRate? MinRate);

    private sealed class Choice
    {
        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal Exit? Exit { get; set; }

        internal long UsedAt { get; set; }
    }
}
