using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing.Limits;
using Overlay.Transport.Identity;
using Overlay.Transport.Tcp;

namespace Overlay.Tests.Sharing.Limits;

/// <summary>What the tests of an owner's protection share: keys, a line whose counters they move, a host that says what they like.</summary>
internal static class LimitsFakes
{
    // What does not come at all fails its own test, and does not keep all others from being told.
    private static readonly TimeSpan s_never = TimeSpan.FromMinutes(2);

    internal static PublicKey Key() => new IdentitySigner(PeerIdentity.Generate()).PublicKey;

    /// <summary>A socket that no pass looks at: nothing counts what it carries.</summary>
    internal static Socket Target { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    internal static OwnerProtection Protection(
        OwnerLimits limits, FakeTimeProvider time, FakeLine? line = null, string? folder = null, IYieldPolicy? policy = null,
            ILineSurroundings? surroundings = null, IUsageStore? store = null, SocketTraffic? traffic = null,
            bool looksItself = false) =>
        new(new ProtectionSettings
        {
            Initial = limits,
            Folder = folder,
            Store = store ?? (folder is null ? new UsageInMemory() : new UsageFile(folder)),
            Key = Key(),
            Policy = policy ?? new IdleYieldPolicy(),
            Line = line ?? new FakeLine(),
            Surroundings = surroundings ?? new FakeSurroundings(),
            Traffic = traffic ?? new SocketTraffic(),
            Time = time,
            Logger = NullLogger.Instance,
            LooksItself = looksItself,
        });

    /// <summary>Waits for what another task is about to do, and lets it go on by a step each time.</summary>
    internal static async Task UntilAsync(Func<bool> condition, Action? step = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(started) > s_never) Assert.Fail($"It never came about that {what}.");
            step?.Invoke();
            await Task.Yield();
        }
    }

    /// <summary>The same task, that fails when it does not end at all.</summary>
    internal static Task InTime(this Task task) => task.WaitAsync(s_never, TestContext.Current.CancellationToken);

    /// <inheritdoc cref="InTime(Task)"/>
    internal static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(s_never, TestContext.Current.CancellationToken);

    /// <inheritdoc cref="InTime(Task)"/>
    internal static Task<T> InTime<T>(this ValueTask<T> task) => task.AsTask().InTime();

    /// <summary>Lets all pull for as long as anything is given.</summary>
    internal static void Pull(Func<long> given, params Pulling[] all)
    {
        bool any = true;
        while (any)
        {
            Settle(given, all);
            any = false;
            foreach (Pulling one in all) any |= one.Pull();
        }
    }

    /// <summary>Waits until everybody has heard of what was given: whoever waited hears of it on another thread.</summary>
    internal static void Settle(Func<long> given, params Pulling[] all)
    {
        var spin = new SpinWait();
        long started = Stopwatch.GetTimestamp();
        while (all.Sum(one => one.Heard) < given())
        {
            if (Stopwatch.GetElapsedTime(started) > s_never) Assert.Fail("Somebody never heard of what was given.");
            spin.SpinOnce();
        }
    }

    /// <summary>What a gate has given in all.</summary>
    internal static long GivenBy(LineGate gate) => (long)gate.Look(static usage => usage.MonthUsed) / UsageBook.Crossings;

    /// <summary>A consumer with connections, each of which asks again as soon as it has been given something.</summary>
    internal sealed class Pulling(OwnerProtection? protection, LineGate? gate, int connections, int most) : IDisposable
    {
        private readonly PublicKey _key = Key();
        private readonly List<(IRelayPass Pass, Task<int> Asking)> _connections = [];

        internal long[] Relayed { get; } = new long[connections];

        internal long Total => Relayed.Sum();

        /// <summary>With what is there and was not taken yet.</summary>
        internal long Heard => Total + _connections.Sum(connection => connection.Asking.IsCompletedSuccessfully ? connection.Asking.Result : 0);

        /// <summary>Takes what was given and asks for more, as often as that goes without waiting; false when nothing was given.</summary>
        internal bool Pull()
        {
            bool any = false;
            while (_connections.Count < connections)
            {
                IRelayPass pass = protection?.Begin(_key, Target) ?? gate!.Begin(_key, Target);
                _connections.Add((pass, Ask(pass)));
            }

            for (int i = 0; i < connections; i++)
            {
                (IRelayPass pass, Task<int> asking) = _connections[i];
                if (!asking.IsCompletedSuccessfully) continue;
                any = true;
                Relayed[i] += asking.Result;
                _connections[i] = (pass, Ask(pass));
            }

            return any;
        }

        public void Dispose()
        {
            foreach ((IRelayPass pass, _) in _connections) pass.Dispose();
        }

        private Task<int> Ask(IRelayPass pass) => pass.TakeAsync(most, CancellationToken.None).AsTask();
    }
}

internal sealed class FakeLine : ILineCounters
{
    internal ulong Sent { get; set; }

    internal ulong Received { get; set; }

    public (ulong Sent, ulong Received)? Read() => (Sent, Received);

    public void Dispose()
    {
    }
}

internal sealed class FakeSurroundings : ILineSurroundings
{
    /// <summary>What the host does when it is asked.</summary>
    internal Action Asked { get; set; } = static () => { };

    public bool? IsOnBattery
    {
        get
        {
            Asked();
            return field;
        }
        set;
    }

    public bool? IsMetered { get; set; }
}
