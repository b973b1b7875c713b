using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class SystemNameResolverTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Resolve_MoreThanMayBeAskedAtOnce_WaitsForASlot()
    {
        var answers = new Dictionary<string, TaskCompletionSource<IPAddress[]>> { ["a"] = new(), ["b"] = new() };
        var asked = new List<string>();
        var resolver = new SystemNameResolver(1, (name, _) =>
        {
            asked.Add(name);
            return answers[name].Task;
        });
        Task<IPAddress[]> first = resolver.ResolveAsync("a", Token), second = resolver.ResolveAsync("b", Token);
        Assert.Equal(["a"], asked);

        answers["b"].SetResult([IPAddress.Loopback]);
        answers["a"].SetResult([IPAddress.Any]);

        Assert.Equal([IPAddress.Any], await first);
        Assert.Equal([IPAddress.Loopback], await second);
    }

    [Fact]
    public async Task Resolve_AskerThatLeaves_KeepsItsSlotUntilTheSystemIsDone()
    {
        var answer = new TaskCompletionSource<IPAddress[]>();
        var resolver = new SystemNameResolver(1, (name, _) => name == "slow" ? answer.Task : Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<IPAddress[]> slow = resolver.ResolveAsync("slow", cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);

        Task<IPAddress[]> next = resolver.ResolveAsync("next", Token);
        Assert.False(next.IsCompleted);
        answer.SetResult([]);

        Assert.Equal([IPAddress.Loopback], await next);
    }

    [Fact]
    public async Task Connect_NoSlotInTime_IsCapacityAndSaysNothingOfTheName()
    {
        var time = new FakeTimeProvider();
        var never = new TaskCompletionSource<IPAddress[]>();
        var resolver = new SystemNameResolver(1, (_, _) => never.Task);
        Exit exit = Exits.Create(new RecordingDialer(), resolver, time: time);
        Task<ExitConnection> first = exit.ConnectAsync("a.example", 80, Token).AsTask(), second = exit.ConnectAsync("b.example", 80, Token).AsTask();

        time.Advance(new ExitOptions().ResolveTimeout);

        Assert.Equal(ConnectCode.TimedOut, (await Assert.ThrowsAsync<ConnectRefusedException>(() => first)).Code);
        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(() => second);
        Assert.Equal(ConnectCode.Capacity, refused.Code);
        Assert.Equal(SocketError.NoBufferSpaceAvailable, Assert.IsType<SocketException>(refused.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Connect_AskerThatLeavesWhileItWaitsForASlot_IsCancelled()
    {
        var never = new TaskCompletionSource<IPAddress[]>();
        Exit exit = Exits.Create(new RecordingDialer(), new SystemNameResolver(1, (_, _) => never.Task));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<ExitConnection>[] both = [exit.ConnectAsync("a.example", 80, cancel.Token).AsTask(), exit.ConnectAsync("b.example", 80, cancel.Token).AsTask()];

        await cancel.CancelAsync();

        foreach (Task<ExitConnection> one in both) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
    }
}
