using System.Runtime.CompilerServices;

namespace Overlay;

/// <summary>What options may be; each check names the option that it refuses.</summary>
internal static class OptionChecks
{
    internal static T InRange<T>(T value, T least, T most, [CallerMemberName] string option = "")
        where T : IComparable<T> =>
        value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be {least} to {most}.");

    internal static double NotPositive(double value, [CallerMemberName] string option = "") =>
        double.IsFinite(value) && value <= 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be a number, zero or below.");

    internal static double NotNegative(double value, [CallerMemberName] string option = "") =>
        double.IsFinite(value) && value >= 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be a number, zero or above.");

    internal static double Finite(double value, [CallerMemberName] string option = "") =>
        double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be a number.");

    internal static double Between(double value, double above, double below, [CallerMemberName] string option = "") =>
        value > above && value < below ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must lie above {above} and below {below}.");
}
