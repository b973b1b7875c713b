namespace Overlay.Market.Selling;

/// <summary>Moves a provider's price between a floor and a ceiling: up while it is busy and others would pay, down while it is idle. No clock, no I/O.</summary>
/// <remarks>
/// Integers in micro-credits for a GiB. A step is a sixteenth of the present price and at least 1; both bounds are kept exactly. Up: more than half of what can be served is in use, and at
/// least one demand of the region would pay the price after the step. Down: nothing is in use, and nobody would pay the price, or it is above the median of the others' offers. Else it stays.
/// </remarks>
internal sealed class PriceFollower
{
    private const ulong StepShare = 16;

    private readonly ulong _floor;
    private readonly ulong _ceiling;

    /// <param name="floor">The lowest price, where it begins.</param>
    /// <param name="ceiling">The highest; at least the floor.</param>
    internal PriceFollower(ulong floor, ulong ceiling)
    {
        if (ceiling < floor) throw new ArgumentOutOfRangeException(nameof(ceiling), ceiling, $"The ceiling must not be below the floor {floor}.");
        _floor = floor;
        _ceiling = ceiling;
        Current = floor;
    }

    /// <summary>The price of this moment.</summary>
    internal ulong Current { get; private set; }

    /// <summary>Looks at the market once more.</summary>
    /// <param name="sessions">Sessions that live.</param>
    /// <param name="room">Sessions that there is room for in all; at least 1.</param>
    /// <param name="highestAsked">The highest price that a demand would pay which the exit fits; null when there is none.</param>
    /// <param name="medianOffered">The median of other providers' offers; null when none is known.</param>
    /// <returns>The new price.</returns>
    internal ulong Look(int sessions, int room, ulong? highestAsked, ulong? medianOffered)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(room, 1);
        ulong step = Math.Max(Current / StepShare, 1);
        if (sessions * 2L > room && highestAsked is { } asked && Current < _ceiling)
        {
            ulong next = _ceiling - Current <= step ? _ceiling : Current + step;
            if (asked >= next) Current = next;
        }
        else if (sessions == 0 && Current > _floor && (highestAsked is null || highestAsked < Current || (medianOffered is { } median && Current > median)))
        {
            Current = Current - _floor <= step ? _floor : Current - step;
        }

        return Current;
    }
}
