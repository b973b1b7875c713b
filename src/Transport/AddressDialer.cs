using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>Races the addresses of one peer: the next begins when the one before has failed or has kept silent for the stagger (RFC 8305, section 5).</summary>
internal static class AddressDialer
{
    /// <summary>Tries the addresses in order and returns the first success; the others are cancelled and what they opened is disposed.</summary>
    /// <param name="addresses">At least one.</param>
    /// <param name="attempt">Dials one address. Fails with <see cref="ConnectionException"/>.</param>
    /// <param name="stagger">Head start of each address over the next.</param>
    /// <param name="time">The clock of the stagger.</param>
    /// <param name="cancellationToken">Gives up on all.</param>
    /// <exception cref="ConnectionException">All failed: the last failure, with the others' words in its message.</exception>
    internal static async ValueTask<T> RaceAsync<T>(
        IReadOnlyList<Multiaddr> addresses, Func<Multiaddr, CancellationToken, Task<T>> attempt, TimeSpan stagger, TimeProvider time,
        CancellationToken cancellationToken)
        where T : class, IAsyncDisposable
    {
        using var losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<T>>();
        var failures = new List<ConnectionException>();
        int next = 0;
        T? winner = null;
        try
        {
            while (winner is null)
            {
                // The stagger begins with the attempt, so it is begun before it.
                using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                Task pause = Task.Delay(next + 1 < addresses.Count ? stagger : Timeout.InfiniteTimeSpan, time, waiting.Token);
                if (next < addresses.Count) running.Add(attempt(addresses[next++], losers.Token));
                if (running.Count == 0) break;
                await Task.WhenAny([.. running, pause]).ConfigureAwait(false);
                await waiting.CancelAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                for (int i = running.Count - 1; i >= 0 && winner is null; i--)
                {
                    Task<T> task = running[i];
                    if (!task.IsCompleted) continue;
                    running.RemoveAt(i);
                    try
                    {
                        winner = await task.ConfigureAwait(false);
                    }
                    catch (ConnectionException e)
                    {
                        failures.Add(e);
                    }
                }
            }
        }
        finally
        {
            await losers.CancelAsync().ConfigureAwait(false);
            foreach (Task<T> task in running) await DisposeLoserAsync(task).ConfigureAwait(false);
        }

        if (winner is not null) return winner;
        if (failures.Count == 1) throw failures[0];
        ConnectionException last = failures[^1];
        throw new ConnectionException(last.Reason, last.Step, last.Fault, string.Join(" ", failures.Select(f => f.Message).Distinct()), last) { Peer = last.Peer, Limit = last.Limit };
    }

    /// <summary>Replaces DNS names by the addresses they resolve to now; other addresses pass unchanged.</summary>
    /// <exception cref="ConnectionException">No name could be resolved and no other address is left.</exception>
    internal static async ValueTask<List<Multiaddr>> ResolveAsync(IEnumerable<Multiaddr> addresses, int maxCount, CancellationToken cancellationToken)
    {
        var resolved = new List<Multiaddr>();
        ConnectionException? failure = null;
        foreach (Multiaddr address in addresses)
        {
            if (resolved.Count >= maxCount) break;
            if (address.HostName is not { } name || FamilyOf(address.HostNameKind) is not { } family)
            {
                resolved.Add(address);
                continue;
            }

            try
            {
                IPAddress[] answers = await Dns.GetHostAddressesAsync(name, family, cancellationToken).ConfigureAwait(false);
                resolved.AddRange(answers.Take(maxCount - resolved.Count).Select(answer => Substitute(address, answer)));
            }
            catch (SocketException e)
            {
                failure = new ConnectionException(ConnectionError.Unreachable, ConnectionStep.Resolve, Fault.Network, $"The name {name} does not resolve: {e.Message}", e);
            }
        }

        if (resolved.Count == 0)
            throw failure ?? new ConnectionException(ConnectionError.UnsupportedAddress, ConnectionStep.Dial, Fault.Caller, "There is no address to dial.");
        return resolved;
    }

    /// <summary>The family that a DNS component asks for; null for components that this node does not resolve.</summary>
    private static AddressFamily? FamilyOf(MultiaddrProtocol? kind) => kind switch
    {
        MultiaddrProtocol.Dns => AddressFamily.Unspecified,
        MultiaddrProtocol.Dns4 => AddressFamily.InterNetwork,
        MultiaddrProtocol.Dns6 => AddressFamily.InterNetworkV6,
        _ => null,
    };

    private static Multiaddr Substitute(Multiaddr address, IPAddress answer)
    {
        string rest = string.Concat(address.Components.Skip(1).Select(component => component.ToString()));
        return Multiaddr.Parse($"/{(answer.AddressFamily == AddressFamily.InterNetwork ? "ip4" : "ip6")}/{answer}{rest}");
    }

    private static async Task DisposeLoserAsync<T>(Task<T> task)
        where T : class, IAsyncDisposable
    {
        try
        {
            T late = await task.ConfigureAwait(false);
            await late.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException or OperationCanceledException)
        {
            // It lost anyway.
        }
    }
}
