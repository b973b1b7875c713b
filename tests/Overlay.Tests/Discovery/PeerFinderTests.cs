using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Mdns;
using Overlay.Discovery.Reachability;
using Overlay.Transport;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

/// <summary>Whole finders over real hosts on loopback, each on its own clock of the system; the network around is never asked.</summary>
public sealed class PeerFinderTests
{
    // The log's event of a dial that failed.
    private const int NotReached = 5004;

    private static readonly DiscoveryOptions s_quick = new()
    {
        Backoff = new BackoffOptions
        {
            Initial = TimeSpan.FromMilliseconds(20),
            Longest = TimeSpan.FromMilliseconds(200),
            LongestPersistent = TimeSpan.FromMilliseconds(200)
        },
    };

    private sealed class Node : IAsyncDisposable
    {
        internal required PeerIdentity Identity { get; init; }

        internal required PeerHost Host { get; init; }

        internal required PeerFinder Finder { get; init; }

        internal string Address => Host.ListenAddresses[0].ToString();

        internal static async Task<Node> StartAsync(
            DiscoveryOptions? options = null, IAddressBookStore? store = null, PeerIdentity? identity = null, PeerFinderParts? parts = null,
                string listen = "/ip4/127.0.0.1/tcp/0")
        {
            identity ??= PeerIdentity.Generate();
            var host = new PeerHost(identity);
            await host.ListenAsync(Multiaddr.Parse(listen), Peers.Cancellation);
            PeerFinder finder = await PeerFinder.StartAsync(host, options ?? s_quick, store ?? new InMemoryAddressBookStore(), parts ?? Finders.Parts(),
                Peers.Cancellation);
            return new Node { Identity = identity, Host = host, Finder = finder };
        }

        internal async Task<NetworkPeer> ConnectedAsync(PeerId peer)
        {
            await foreach (PeerChange change in Finder.WatchPeersAsync(Peers.Cancellation))
                if (change.Kind == PeerChangeKind.Connected && change.Peer.PeerId == peer) return change.Peer;
            throw new InvalidOperationException("The finder stopped.");
        }

        internal async Task GoneAsync(PeerId peer)
        {
            await foreach (PeerChange change in Finder.WatchPeersAsync(Peers.Cancellation))
                if (change.Kind == PeerChangeKind.Disconnected && change.Peer.PeerId == peer) return;
        }

        public async ValueTask DisposeAsync()
        {
            await ((IAsyncDisposable)Finder).DisposeAsync();
            await Host.DisposeAsync();
            Identity.Dispose();
        }
    }

    [Fact]
    public async Task Start_WayIn_IsDialledAndTold()
    {
        await using Node there = await Node.StartAsync();
        await using Node here = await Node.StartAsync(s_quick with { Bootstrap = [there.Address] });

        NetworkPeer found = await here.ConnectedAsync(there.Host.PeerId);

        Assert.Equal(PeerSource.Bootstrap, found.Source);
        Assert.Equal(PeerSource.Inbound, (await there.ConnectedAsync(here.Host.PeerId)).Source);
    }

    [Fact]
    public async Task Start_AfterARestart_IsBackWithoutAWayIn()
    {
        string folder = Directory.CreateTempSubdirectory("overlay-finder-").FullName;
        string book = Path.Combine(folder, "peers.db");
        try
        {
            await using Node there = await Node.StartAsync();
            await using (Node before = await Node.StartAsync(s_quick with { Bootstrap = [there.Address] }, SqliteAddressBookStore.Open(book)))
                await before.ConnectedAsync(there.Host.PeerId);

            await using Node after = await Node.StartAsync(s_quick, SqliteAddressBookStore.Open(book));

            Assert.Equal(PeerSource.AddressBook, (await after.ConnectedAsync(there.Host.PeerId)).Source);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task PersistentPeer_ComesBack_IsDialledAgain()
    {
        PeerIdentity identity = PeerIdentity.Generate();
        byte[] seed = new byte[32];
        identity.ExportSeed(seed);
        Node there = await Node.StartAsync(identity: identity);
        string address = there.Address;
        PeerId peer = there.Host.PeerId;
        await using Node here = await Node.StartAsync(s_quick with { PersistentPeers = [address] });
        Assert.Equal(PeerSource.Persistent, (await here.ConnectedAsync(peer)).Source);
        Assert.True(here.Host.IsProtected(peer));

        Task gone = here.GoneAsync(peer);
        await there.DisposeAsync();
        await gone;
        await using Node again = await Node.StartAsync(identity: PeerIdentity.FromSeed(seed), listen: Multiaddr.Parse(address).WithoutPeerId().ToString());

        Assert.Equal(PeerSource.Persistent, (await here.ConnectedAsync(peer)).Source);
    }

    [Fact]
    public async Task Dial_NameThatTheResolverChokesOn_IsLeftAloneForItsTime()
    {
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedHosts hosts = null!;
        hosts = new ScriptedHosts((_, _) =>
        {
            if (hosts.AskedCount > 1) again.TrySetResult();
            throw new ArgumentException("No such name.");
        });
        var log = new LogWaiter(NotReached);
        var options = s_quick with { PersistentPeers = [$"/dns4/odd.example/tcp/1/p2p/{Peers.New()}"], Backoff = new BackoffOptions() };
        await using Node here = await Node.StartAsync(options, parts: Finders.Parts() with { HostNames = hosts, Loggers = log });

        Assert.Same(log.Written, await Task.WhenAny(log.Written, again.Task));
        Assert.Equal(1, hosts.AskedCount);
    }

    [Fact]
    public async Task Start_NameServerNeverAnswers_OtherWaysInAreDialled()
    {
        await using Node there = await Node.StartAsync();
        var options = s_quick with { Bootstrap = ["/dnsaddr/slow.example", there.Address] };
        await using Node here = await Node.StartAsync(options, parts: Finders.Parts(texts: new SilentTexts()));

        Assert.Equal(PeerSource.Bootstrap, (await here.ConnectedAsync(there.Host.PeerId).WaitAsync(TimeSpan.FromMinutes(1), Peers.Cancellation)).Source);
    }

    [Fact]
    public async Task Dispose_DuringALookupThatTakesItsEndForAnError_PutsEverythingAway()
    {
        var texts = new OffendedTexts();
        Node here = await Node.StartAsync(s_quick with { Bootstrap = ["/dnsaddr/slow.example"] }, parts: Finders.Parts(texts: texts));
        await texts.Asked.Task.WaitAsync(TimeSpan.FromMinutes(1), Peers.Cancellation);

        await here.DisposeAsync();
    }

    private sealed class OffendedTexts : Overlay.Discovery.Bootstrap.ITextRecords
    {
        internal TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask<IReadOnlyList<string>> ResolveAsync(string name, CancellationToken cancellationToken)
        {
            Asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidOperationException("The connection timed out.");
        }
    }

    private sealed class SilentTexts : Overlay.Discovery.Bootstrap.ITextRecords
    {
        public async ValueTask<IReadOnlyList<string>> ResolveAsync(string name, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return [];
        }
    }

    [Fact]
    public async Task ResolveTold_WayInThatTheOwnerNamed_LeadsIntoTheLan()
    {
        Multiaddr wayIn = Peers.At("192.168.1.9").WithPeerId(Peers.New());
        await using Node here = await Node.StartAsync(s_quick with { Bootstrap = [wayIn.ToString()] });

        Assert.Equal([Peers.At("192.168.1.9")], await here.Finder.ResolveToldAsync([wayIn], Peers.Cancellation));
        Assert.Empty(await here.Finder.ResolveToldAsync([wayIn.WithoutPeerId(), Peers.At("192.168.1.9").WithPeerId(Peers.New())], Peers.Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dial_Fails_CountsOnlyWhereOthersAreReached(bool othersAreReached)
    {
        await using Node there = await Node.StartAsync();
        var store = new InMemoryAddressBookStore();
        PeerId gone = Peers.New();
        // Nobody listens on the host's other loopback addresses.
        Multiaddr dead = Multiaddr.Parse(there.Address.Replace("127.0.0.1", "127.0.0.9", StringComparison.Ordinal)).WithoutPeerId();
        AddressEntry known = new(dead, AddressOrigin.Told, null, DateTimeOffset.UtcNow.AddDays(1), DateTimeOffset.UtcNow);
        await store.SaveAsync([new PeerEntry(gone, [known], default, 0, DateTimeOffset.UtcNow)], [], Peers.Cancellation);
        var log = new LogWaiter(NotReached);
        var options = s_quick with { AddressBook = new AddressBookOptions { MaxFailures = 1 }, Backoff = new BackoffOptions() };
        PeerIdentity identity = PeerIdentity.Generate();
        var host = new PeerHost(identity);
        await host.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Peers.Cancellation);
        if (othersAreReached) await host.ConnectAsync(Multiaddr.Parse(there.Address), Peers.Cancellation);
        PeerFinder finder = await PeerFinder.StartAsync(host, options, store, Finders.Parts() with { Loggers = log }, Peers.Cancellation);
        await using var here = new Node { Identity = identity, Host = host, Finder = finder };

        await log.Written.WaitAsync(Peers.Cancellation);

        Assert.Equal(othersAreReached ? 0 : 1, here.Finder.FindAddresses(gone).Count);
    }

    [Fact]
    public async Task SystemHostNames_NameThatIsNone_HasNoAddresses() =>
        Assert.Empty(await new SystemHostNames().ResolveAsync(new string('a', 300), System.Net.Sockets.AddressFamily.InterNetwork, Peers.Cancellation));

    [Fact]
    public async Task Reachability_OnLoopbackByOption_IsConfirmedByTheServers()
    {
        var options = s_quick with
        {
            Reachability = new ReachabilityOptions { AllowPrivateAddresses = true, MinConfirmations = 1, QuestionInterval = TimeSpan.FromMilliseconds(50) },
        };
        PeerFinderParts open = Finders.Parts() with { IsOpen = true };
        await using Node server = await Node.StartAsync(options, parts: open);
        await using Node asker = await Node.StartAsync(options with { Bootstrap = [server.Address] }, parts: open);
        var confirmed = new TaskCompletionSource<ReachabilityReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        asker.Finder.ReachabilityChanged = report =>
        {
            if (report.Verdict == ReachabilityVerdict.Public) confirmed.TrySetResult(report);
        };

        ReachabilityReport found = asker.Finder.Reachability is { Verdict: ReachabilityVerdict.Public } known ? known
            : await confirmed.Task.WaitAsync(Peers.Cancellation);

        Assert.Equal([Multiaddr.Parse(asker.Address).WithoutPeerId()], found.Confirmed);
    }

    [Fact]
    public async Task Mdns_PeerOnTheLan_IsFound()
    {
        var lan = new FakeLan();
        PeerFinderParts parts = Finders.Parts() with { IsOpen = true, OpenMulticast = (_, _) => lan.Join("10.99.0.1") };
        await using Node here = await Node.StartAsync(s_quick with { MaxLanConnectionCount = 0 }, parts: parts);
        IMulticast other = lan.Join("10.99.0.2");
        PeerId peer = Peers.New();
        var records = new MdnsRecords("_p2p._udp.local", "abcdefghijklmnopqrstuvwxyz012345", TimeSpan.FromMinutes(2));
        other.Send(new MdnsSend(1, null, DnsWriter.Write(records.Answer(MdnsAnswer.Pointer, [Peers.At("10.99.0.2").WithPeerId(peer)]))));

        await foreach (PeerChange change in here.Finder.WatchPeersAsync(Peers.Cancellation))
        {
            if (change.Peer.PeerId != peer) continue;
            Assert.Equal((PeerChangeKind.Found, PeerSource.Mdns), (change.Kind, change.Peer.Source));
            break;
        }
    }

    [Fact]
    public async Task Mdns_ListensOnLoopbackOnly_IsNotUsed()
    {
        bool opened = false;
        PeerFinderParts parts = Finders.Parts() with
        {
            OpenMulticast = (_, _) =>
            {
                opened = true;
                return null;
            },
        };

        await using Node here = await Node.StartAsync(parts: parts);

        Assert.False(opened);
        Assert.DoesNotContain(AutoNatProtocol.DialRequest, here.Host.Protocols.Names);
    }
}
