using System.Net;
using System.Net.Sockets;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>Dials peers where <see cref="AddressScopes"/> allows, whatever their addresses resolve to. Every dial to an address that a peer told goes
/// through here.</summary>
/// <remarks>Safe on several threads.</remarks>
/// <param name="host">Dials.</param>
/// <param name="names">Resolves domain names.</param>
/// <param name="time">The clock of how long that may take; null for the system's.</param>
internal sealed class ScopedDialer(PeerHost host, IHostNames names, TimeProvider? time = null)
{
    // Names cost the resolver's time, and a peer can tell any number of them.
    private const int MaxNameCount = 4;

    // Beside an address that can be dialled at once, a name is waited for only briefly: whoever told it may have chosen one that does not answer.
    private static readonly TimeSpan s_longestLookup = TimeSpan.FromSeconds(5), s_lookupBesideAddress = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    private long _refused;

    /// <summary>Addresses that were not dialled because of where they lead.</summary>
    internal long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Returns a connection to the peer, dialling it if there is none.</summary>
    /// <param name="peer">Whom to expect.</param>
    /// <param name="addresses">Where to try, best first, each with where it was told from; null for the owner.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ConnectionException">The peer could not be reached, or no address may be dialled
    /// (<see cref="ConnectionError.UnsupportedAddress"/>).</exception>
    internal async ValueTask<PeerConnection> ConnectAsync(
        PeerId peer, IReadOnlyList<(Multiaddr Address, AddressScope? ToldFrom)> addresses, CancellationToken cancellationToken)
    {
        if (host.FindConnection(peer) is { } standing) return standing;
        // An empty list makes the host itself say that there is nothing to dial.
        return await host.ConnectAsync(peer, await ResolveAsync(addresses, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The addresses that may be dialled, with names replaced by what they stand for now.</summary>
    internal async ValueTask<IReadOnlyList<Multiaddr>> ResolveAsync(
        IReadOnlyList<(Multiaddr Address, AddressScope? ToldFrom)> addresses, CancellationToken cancellationToken)
    {
        (Multiaddr Address, AddressScope? ToldFrom)[] allowed =
            [.. addresses.Where(told => AddressScopes.HasTransport(told.Address) && AddressScopes.MayDial(told.Address, told.ToldFrom))];
        Interlocked.Add(ref _refused, addresses.Count - allowed.Length);
        TimeSpan patience = allowed.Any(told => told.Address.HostName is null) ? s_lookupBesideAddress : s_longestLookup;
        var resolved = new List<Task<IReadOnlyList<Multiaddr>>>();
        int nameCount = 0;
        foreach ((Multiaddr address, AddressScope? toldFrom) in allowed)
        {
            if (address.HostName is not { } name) resolved.Add(Task.FromResult<IReadOnlyList<Multiaddr>>([address.WithoutPeerId()]));
            // All at once: the slowest name decides, and not their sum.
            else if (nameCount++ < MaxNameCount) resolved.Add(LookUpAsync(address, name, toldFrom, patience, cancellationToken));
        }

        return [.. (await Task.WhenAll(resolved).ConfigureAwait(false)).SelectMany(one => one).Distinct()];
    }

    private async Task<IReadOnlyList<Multiaddr>> LookUpAsync(Multiaddr address, string name, AddressScope? toldFrom, TimeSpan patience, CancellationToken cancellationToken)
    {
        var found = new List<Multiaddr>();
        using var due = new CancellationTokenSource(patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, cancellationToken);
        try
        {
            Task<IReadOnlyList<IPAddress>> answers = names.ResolveAsync(name, FamilyOf(address.HostNameKind), either.Token).AsTask();
            foreach (IPAddress answer in await answers.WaitAsync(either.Token).ConfigureAwait(false))
            {
                IPAddress ip = answer.IsIPv4MappedToIPv6 ? answer.MapToIPv4() : answer;
                if (AddressScopes.MayDial(ip, toldFrom)) found.Add(Multiaddr.FromIPEndPoint(new IPEndPoint(ip, PortOf(address))));
                else Interlocked.Increment(ref _refused);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The peer's other addresses may still do.
        }

        return found;
    }

    private static AddressFamily FamilyOf(MultiaddrProtocol? kind) => kind switch
    {
        MultiaddrProtocol.Dns4 => AddressFamily.InterNetwork,
        MultiaddrProtocol.Dns6 => AddressFamily.InterNetworkV6,
        _ => AddressFamily.Unspecified,
    };

    private static int PortOf(Multiaddr address)
    {
        ReadOnlySpan<byte> port = address.Components[1].RawValue.Span;
        return (port[0] << 8) | port[1];
    }
}
