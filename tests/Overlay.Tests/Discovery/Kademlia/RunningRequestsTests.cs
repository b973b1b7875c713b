using Overlay.Discovery.Kademlia;

namespace Overlay.Tests.Discovery.Kademlia;

public sealed class RunningRequestsTests
{
    [Fact]
    public async Task Cancel_WhileRequestsEnd_NeverFails()
    {
        var requests = new RunningRequests(CancellationToken.None);

        // Each is cancelled about when it ends by itself.
        for (long id = 0; id < 50_000; id++)
        {
            var ends = new TaskCompletionSource();
            requests.Start(id, _ => ends.Task);
            ends.SetResult();
            requests.Cancel(id);
            requests.Cancel(id - 1);
        }

        await Task.WhenAll(requests.Tasks);
        Assert.Empty(requests.Tasks);
    }

    [Fact]
    public async Task Cancel_RequestUnderWay_IsGivenUp()
    {
        var requests = new RunningRequests(CancellationToken.None);
        var given = new TaskCompletionSource();
        requests.Start(1, async token =>
        {
            await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            given.SetResult();
        });

        requests.Cancel(1);

        await given.Task.WaitAsync(TestContext.Current.CancellationToken);
    }
}
