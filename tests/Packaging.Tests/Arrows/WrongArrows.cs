// Rooms with wrong arrows in them, one for each way in which code can use a type: the arrow test has to find every one of these.
#pragma warning disable CA1852, CA1812, CA1823, CA1814, CA1813, CA1018, CA1064, CA1032, CA1051, CS0169, CS0649, IDE0044, IDE0051, IDE0130

using Overlay.Packaging.Tests.Wrong.Left;

namespace Overlay.Packaging.Tests.Wrong
{
    internal static class Word
    {
        internal static int Value => 1;
    }

    internal static class Composer
    {
        internal static int Compose() => Left.Target.Number() + Right.ThroughMethodBody.Count();
    }
}

namespace Overlay.Packaging.Tests.Wrong.Left
{
    internal class Target
    {
        internal static int Number() => 1;
    }

    internal sealed class TargetException : Exception;

    [AttributeUsage(AttributeTargets.All)]
    internal sealed class TargetAttribute : Attribute;

    internal interface ITarget;
}

namespace Overlay.Packaging.Tests.Wrong.Right
{
    internal sealed class Innocent
    {
        internal static int Count() => Word.Value;
    }

    internal sealed class ThroughComposer
    {
        internal static int Count() => Composer.Compose();
    }

    internal sealed class ThroughMethodBody
    {
        internal static int Count() => Target.Number();
    }

    internal sealed class ThroughSwitchTable
    {
        internal static int Count(int number)
        {
            switch (number)
            {
                case 0: return 5;
                case 1: return 3;
                case 2: return 8;
                case 3: return Target.Number();
                case 4: return 2;
                default: return 9;
            }
        }
    }

    internal sealed class ThroughAsyncMethod
    {
        internal static async Task<int> CountAsync()
        {
            await Task.Yield();
            return Target.Number();
        }
    }

    internal sealed class ThroughLambda
    {
        internal static Func<int> Counter() => () => Target.Number();
    }

    internal sealed class ThroughBaseType : Target;

    internal sealed class ThroughInterface : ITarget;

    internal sealed class ThroughField
    {
        private List<Target[]>? _targets;
    }

    internal sealed class ThroughParameter
    {
        internal static void Take(Dictionary<string, Target> targets) => ArgumentNullException.ThrowIfNull(targets);
    }

    internal sealed class ThroughTypeOf
    {
        internal static string Name() => typeof(Target).Name;
    }

    internal sealed class ThroughCatch
    {
        internal static bool Try(Action action)
        {
            try
            {
                action();
                return true;
            }
            catch (TargetException)
            {
                return false;
            }
        }
    }

    internal sealed class ThroughAttribute
    {
        [Target]
        internal static int Count() => 2;
    }

    internal sealed class ThroughConstraint<T>
        where T : ITarget;

    internal sealed class ThroughGenericMethod
    {
        internal static object[] Make() => Array.Empty<Target>();
    }

    internal sealed class ThroughNestedType
    {
        private sealed class Inner
        {
            internal static int Count() => Target.Number();
        }
    }
}
