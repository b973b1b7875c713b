using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>Connects to targets for the local proxies: one deadline, and one kind of failure.</summary>
internal sealed class TargetDial(Func<ExitWish, ITargetConnector> connectors, TimeSpan timeout, TimeProvider time, ILogger logger)
{
    /// <exception cref="ConnectRefusedException">The target was not reached, for whatever reason; the code is the provider's if there is one.</exception>
    /// <exception cref="OperationCanceledException">The listener's time is over.</exception>
    public async Task<MeteredStream> ConnectAsync(ExitWish wish, string host, int port, LocalClient client)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, client.Stopping, client.Aborting);
        try
        {
            return await connectors(wish).ConnectAsync(host, port, ended.Token).ConfigureAwait(false);
        }
        catch (ConnectRefusedException refused)
        {
            UsingLog.ConnectRefused(logger, refused.Code);
            throw;
        }
        catch (IOException error)
        {
            UsingLog.ProviderFailed(logger, error.Message);
            throw new ConnectRefusedException(ConnectCode.GeneralFailure, "No provider could be used.", error);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !client.Stopping.IsCancellationRequested && !client.Aborting.IsCancellationRequested)
        {
            UsingLog.ConnectRefused(logger, ConnectCode.TimedOut);
            throw new ConnectRefusedException(ConnectCode.TimedOut, "The connection did not come about in time.");
        }
    }
}
