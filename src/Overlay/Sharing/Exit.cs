using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Transport.Tcp;

namespace Overlay.Sharing;

/// <summary>The provider's way out: looks a target up once, checks every answer against the policy, and dials the very addresses that it checked.</summary>
/// <remarks>
/// A name with one forbidden answer is refused whole: mixing public and private answers is what rebinding does, and an honest name of that kind has no use for
/// strangers. Safe on several threads. Holds nothing between calls but a count of those under way.
/// </remarks>
internal sealed class Exit : IExit
{
    private readonly ExitOptions _options;
    private readonly INameResolver _resolver;
    private readonly IAddressDialer _dialer;
    private readonly IHostAddresses _own;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SharingMetrics? _metrics;
    private readonly TargetGuard _guard;
    private readonly TargetLists? _lists;
    private readonly TargetJournal? _journal;

    private int _dialing;

    /// <param name="options">Limits and policy.</param>
    /// <param name="resolver">Looks names up.</param>
    /// <param name="dialer">Makes connections.</param>
    /// <param name="own">The host's own addresses, which are no targets.</param>
    /// <param name="time">The clock of all deadlines.</param>
    /// <param name="logger">Receives refusals, with their targets only at debug level.</param>
    /// <param name="metrics">Counts dials and refusals; may be null.</param>
    /// <param name="lists">What the owner refuses or allows by name and network; null for none. Its own owner disposes of it.</param>
    /// <param name="journal">Keeps the targets; null for nowhere. Its own owner disposes of it.</param>
    public Exit(
        ExitOptions options, INameResolver resolver, IAddressDialer dialer, IHostAddresses own, TimeProvider time, ILogger logger,
            SharingMetrics? metrics = null,
        TargetLists? lists = null, TargetJournal? journal = null)
    {
        _guard = new TargetGuard(options.Targets)
        {
            Paused = consumer =>
            {
                metrics?.Paused();
                SharingLog.ConsumerPaused(logger, consumer, options.Targets.Pause);
            },
        };
        _lists = lists;
        _journal = journal;
        _options = options;
        _resolver = resolver;
        _dialer = dialer;
        _own = own;
        _time = time;
        _logger = logger;
        _metrics = metrics;
        if (options.Policy.AllowPrivateTargets) SharingLog.PrivateTargetsAllowed(logger);
    }

    /// <summary>An exit on the system's resolver, sockets and interfaces.</summary>
    /// <param name="options">Limits and policy.</param>
    /// <param name="observedAddresses">Further addresses that are this host, such as those that peers see it under; asked every few seconds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="metrics">The counters; may be null.</param>
    /// <param name="lists">What the owner refuses or allows by name and network; may be null.</param>
    /// <param name="journal">Keeps the targets; may be null.</param>
    public static Exit CreateOnSystem(
        ExitOptions options, Func<IEnumerable<IPAddress>> observedAddresses, TimeProvider time, ILogger logger, SharingMetrics? metrics = null,
        TargetLists? lists = null, TargetJournal? journal = null) =>
        new(
            options, new SystemNameResolver(options.MaxConcurrentLookups), new TcpAddressDialer(), new InterfaceAddresses(observedAddresses, time), time,
                logger, metrics, lists,
            journal);

    /// <inheritdoc/>
    public async ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken)
    {
        TargetGuard.Place? place = null;
        bool isHandedOut = false;
        try
        {
            place = _guard.Enter(consumer, Now);
            ExitConnection connection = await CheckAndConnectAsync(place, host, port, cancellationToken).ConfigureAwait(false);
            _metrics?.Connected();
            _journal?.Reached(consumer, host, port);
            isHandedOut = true;
            return connection;
        }
        catch (ConnectRefusedException refused)
        {
            if (LooksLikeSearching(refused)) place?.Fail(Now);
            // One that is refused anyway must not push out what it was refused for.
            if (refused.IsRepeated) _journal?.LeaveOut();
            else _journal?.Refused(consumer, host, port, refused);
            _metrics?.Refused(refused.Code);
            SharingLog.Refused(_logger, refused.Code, refused.Message);
            SharingLog.RefusedTarget(_logger, host, port, refused.Code);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Whoever asks and does not wait may do so to learn who answers at once.
            place?.Fail(Now);
            throw;
        }
        finally
        {
            if (!isHandedOut) place?.Dispose();
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    // What lies with this host or its line says nothing about the consumer.
    private static bool LooksLikeSearching(ConnectRefusedException refused) =>
        !refused.CountsForNothing && refused.Code is ConnectCode.Policy or ConnectCode.AddressTypeNotSupported or ConnectCode.HostUnreachable
            or ConnectCode.ConnectionRefused or ConnectCode.TimedOut;

    private async Task<ExitConnection> CheckAndConnectAsync(TargetGuard.Place place, string host, int port, CancellationToken cancellationToken)
    {
        Require(_options.Policy.CheckPort(port));
        if (!TargetHost.TryParse(host, out TargetHost target, out string? reason)) throw new ConnectRefusedException(ConnectCode.AddressTypeNotSupported, reason);
        if (Interlocked.Increment(ref _dialing) > _options.MaxConcurrentDials)
        {
            Interlocked.Decrement(ref _dialing);
            throw new ConnectRefusedException(ConnectCode.Capacity, "The exit is connecting to as many targets as it may.");
        }

        try
        {
            IPAddress[] addresses = target.Address is { } literal ? [literal] : await ResolveAsync(target.Name!, cancellationToken).ConfigureAwait(false);
            IReadOnlySet<IPAddress> own = _own.Current;
            foreach (IPAddress address in addresses)
            {
                Require(_options.Policy.CheckAddress(address, own));
                if (_lists is not null) Require(_lists.CheckAddress(target.Name, address));
            }

            return await DialAsync(place, addresses, port, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _dialing);
        }
    }

    private async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        Require(_options.Policy.CheckName(name));
        if (_lists is not null) Require(_lists.CheckName(name));
        using var timeout = new CancellationTokenSource(_options.ResolveTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        IPAddress[] addresses;
        try
        {
            // The dot ends the name, so that the host's search list cannot lengthen it. Names of private networks may need that list.
            string question = _options.Policy.AllowPrivateTargets ? name : name + ".";
            addresses = await _resolver.ResolveAsync(question, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && timeout.IsCancellationRequested)
        {
            throw new ConnectRefusedException(ConnectCode.TimedOut, "The name could not be looked up in time.");
        }
        catch (SocketException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw error.SocketErrorCode switch
            {
                SocketError.TryAgain => new ConnectRefusedException(ConnectCode.HostUnreachable, "The name cannot be looked up at the moment.", error)
                {
                    CountsForNothing = true,
                },
                SocketError.NoBufferSpaceAvailable => new ConnectRefusedException(ConnectCode.Capacity, "The exit looks up as many names as it may.", error),
                _ => new ConnectRefusedException(ConnectCode.HostUnreachable, "The name does not resolve.", error),
            };
        }

        if (addresses.Length == 0) throw new ConnectRefusedException(ConnectCode.HostUnreachable, "The name has no address.");
        if (addresses.Length > _options.MaxAnswers) throw new ConnectRefusedException(ConnectCode.HostUnreachable, "The name has more addresses than the exit looks at.");
        return addresses;
    }

    private async Task<ExitConnection> DialAsync(TargetGuard.Place place, IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        IPEndPoint[] targets = [.. StaggeredDial.Order(addresses, _options.MaxAttempts).Select(address => new IPEndPoint(address, port))];
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var dialer = new AimedDialer(_dialer, place, _time);
        Socket socket;
        try
        {
            socket = await StaggeredDial.ConnectAsync(dialer, targets, _options.AttemptDelay, _time, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && timeout.IsCancellationRequested)
        {
            throw new ConnectRefusedException(ConnectCode.TimedOut, "The target did not answer in time.");
        }
        catch (SocketException error)
        {
            throw Refusal(error);
        }

        place.Settle(dialer.AddressOf(socket));
        try
        {
            IPEndPoint bound = BoundEndPoint(socket);
            return new ExitConnection(TcpSocket.Open(socket), bound, place);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
            throw new ConnectRefusedException(ConnectCode.GeneralFailure, "The connection ended as it began.", error);
        }
    }

    // The consumer learns the port, and the address only where that is public: the layout of the provider's own network is nobody's business.
    private IPEndPoint BoundEndPoint(Socket socket)
    {
        var local = (IPEndPoint)socket.LocalEndPoint!;
        bool mayTell = _options.Policy.AllowPrivateTargets || SpecialAddresses.Classify(local.Address) == AddressKind.Global;
        return mayTell ? local : new IPEndPoint(local.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, local.Port);
    }

    private static void Require(ExitVerdict verdict)
    {
        if (!verdict.IsAllowed) throw new ConnectRefusedException(ConnectCode.Policy, verdict.Text) { CountsForNothing = verdict.Refusal == ExitRefusal.List };
    }

    private static ConnectRefusedException Refusal(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new(ConnectCode.ConnectionRefused, "The target refused the connection.", error),
        SocketError.TimedOut => new(ConnectCode.TimedOut, "The target did not answer in time.", error),
        SocketError.HostUnreachable or SocketError.HostDown => new(ConnectCode.HostUnreachable, "The target cannot be reached.", error),
        SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable =>
            new(ConnectCode.NetworkUnreachable, "The exit has no route to the target.", error),
        SocketError.AccessDenied => new(ConnectCode.NotAllowed, "The exit's system does not allow the connection.", error),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable => new(ConnectCode.Capacity, "The exit has no room for another connection.", error),
        _ => new(ConnectCode.GeneralFailure, "The connection could not be made.", error),
    };
}
