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

        (IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed) = await store.Saved.Task.WaitAsync(Peers.Cancellation);

        Assert.Equal(0, store.Failures);
        Assert.Equal([peer], changed.Select(entry => entry.Peer));
        Assert.Equal([gone], removed);
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

        internal TaskCompletionSource<(IReadOnlyList<PeerEntry>, IReadOnlyList<PeerId>)> Saved { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

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

        public ValueTask SaveConnectionsAsync(IReadOnlyList<NetworkPeer> connected, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
