using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class AddressBookKeeperTests
{
    private readonly HurriedClock _time = new();

    [Fact]
    public async Task Save_Fails_IsTriedAgainWithTheSameChanges()
    {
        PeerId peer = Peers.New(), gone = Peers.New();
        var book = new AddressBook(new AddressBookOptions { MaxFailures = 1 }, _time);
        book.Add(peer, [Peers.At("1.1.1.1")], AddressOrigin.Identify, AddressScope.Public);
        book.Add(gone, [Peers.At("1.1.1.2")], AddressOrigin.Identify, AddressScope.Public);
        book.Failed(gone, [Peers.At("1.1.1.2")]);
        var store = new FailingStore { Failures = 2 };
        await using var keeper = new AddressBookKeeper(book, store, new AddressBookOptions(), () => [], _time, NullLogger.Instance);

        (IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed) = await store.Saved.Task.WaitAsync(TimeSpan.FromMinutes(1), Peers.Cancellation);

        Assert.Equal(0, store.Failures);
        Assert.Equal([peer], changed.Select(entry => entry.Peer));
        Assert.Equal([gone], removed);
    }

    [Fact]
    public async Task Peers_OnlyRoundTripsChange_AreWrittenOnceAMinute()
    {
        var book = new AddressBook(new AddressBookOptions(), _time);
        var peer = new NetworkPeer { PeerId = Peers.New(), Source = PeerSource.Dialled, ConnectedSince = Peers.Start };
        int looks = 0;
        var store = new FailingStore();
        await using var keeper = new AddressBookKeeper(
            book, store, new AddressBookOptions(), () => [peer with { Latency = TimeSpan.FromMilliseconds(++looks) }], _time, NullLogger.Instance);

        await store.SavedThrice.Task.WaitAsync(Peers.Cancellation);

        // It looks once a second.
        Assert.Equal([1, 61, 121], store.Latencies.Take(3));
    }

    [Fact]
    public async Task Peers_CannotBeWritten_AreTriedOnceAMinute()
    {
        var peer = new NetworkPeer { PeerId = Peers.New(), Source = PeerSource.Dialled, ConnectedSince = Peers.Start };
        int looks = 0;
        var store = new FailingStore { PeerFailures = 2 };
        await using var keeper = new AddressBookKeeper(
            new AddressBook(new AddressBookOptions(), _time), store, new AddressBookOptions(), () => [peer with { Latency = TimeSpan.FromMilliseconds(++looks) }], _time,
            NullLogger.Instance);

        await store.SavedThrice.Task.WaitAsync(TimeSpan.FromMinutes(1), Peers.Cancellation);

        Assert.Equal([1, 61, 121], store.Latencies.Take(3));
    }

    [Fact]
    public void TakeBack_StrangersWithoutEnd_RemembersNoMoreThanAllowed()
    {
        var book = new AddressBook(new AddressBookOptions { MaxPeerCount = 5 }, _time);
        for (int i = 0; i < 100; i++)
        {
            book.Add(Peers.New(), [Peers.At("1.1.1.1")], AddressOrigin.Identify, AddressScope.Public);
            (IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed) = book.TakeChanges();
            book.TakeBack(changed, removed);
        }

        (IReadOnlyList<PeerEntry> Changed, IReadOnlyList<PeerId> Removed) left = book.TakeChanges();
        Assert.Equal(5, left.Changed.Count);
        Assert.Equal(10, left.Removed.Count);
    }

    private sealed class FailingStore : IAddressBookStore
    {
        internal int Failures { get; set; }

        internal int PeerFailures { get; set; }

        internal TaskCompletionSource<(IReadOnlyList<PeerEntry>, IReadOnlyList<PeerId>)> Saved { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int DamagedCount => 0;

        public ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(int maxCount, CancellationToken cancellationToken) => new((IReadOnlyList<PeerEntry>)[]);

        public ValueTask SaveAsync(IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed, CancellationToken cancellationToken)
        {
            if (Failures > 0)
            {
                Failures--;
                throw new AddressBookException("The disk is full.", null);
            }

            Saved.TrySetResult((changed, removed));
            return ValueTask.CompletedTask;
        }

        internal ConcurrentQueue<double> Latencies { get; } = [];

        internal TaskCompletionSource SavedThrice { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask SaveConnectionsAsync(IReadOnlyList<NetworkPeer> connected, CancellationToken cancellationToken)
        {
            foreach (NetworkPeer peer in connected) Latencies.Enqueue(peer.Latency!.Value.TotalMilliseconds);
            if (Latencies.Count == 3) SavedThrice.TrySetResult();
            if (PeerFailures-- > 0) throw new AddressBookException("The disk is full.", null);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
