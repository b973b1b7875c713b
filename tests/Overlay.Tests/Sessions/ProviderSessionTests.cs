using Overlay.Proofs;
using Overlay.Sessions;

namespace Overlay.Tests.Sessions;

public class ProviderSessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cut_ConsumerThatAcknowledgesNoReset_KeepsNoDialRunning()
    {
        var exit = new SilentExit();
        await using var pair = new SessionPair(exit: exit);
        ConsumerSession session = await pair.OpenAsync();
        Task connecting = session.ConnectAsync("origin", 80, Token).AsTask();
        await exit.Began.WaitAsync(Token);
        pair.Dialer.IsDeaf = true;

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task cutting = pair.Provider.CutAsync(pair.ConsumerKey, deadline.Token);

        // The clock stands still: no timeout helps.
        await exit.GivenUp.WaitAsync(TimeSpan.FromMinutes(1), Token);
        await deadline.CancelAsync();
        await pair.Dialer.DisposeAsync();
        await cutting;
        await Assert.ThrowsAnyAsync<IOException>(() => connecting);
    }

    private sealed class SilentExit : IExit
    {
        private readonly TaskCompletionSource _began = new(), _givenUp = new();

        internal Task Began => _began.Task;

        internal Task GivenUp => _givenUp.Task;

        public async ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken)
        {
            _began.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                _givenUp.SetResult();
            }

            throw new InvalidOperationException();
        }
    }
}
