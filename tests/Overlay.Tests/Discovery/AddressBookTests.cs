using Microsoft.Extensions.Time.Testing;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class AddressBookTests
{
    private readonly FakeTimeProvider _time = Peers.Clock();
    private readonly PeerId _peer = Peers.New();

    private AddressBook Book(AddressBookOptions? options = null) => new(options ?? new AddressBookOptions(), _time);

    private static Multiaddr[] Found(AddressBook book, PeerId peer) => [.. book.Find(peer).Select(entry => entry.Address)];

    [Fact]
    public void Find_OneWasReached_ComesFirst()
    {
        AddressBook book = Book();
        book.Add(_peer, [Peers.At("1.1.1.1"), Peers.At("2.2.2.2"), Peers.At("3.3.3.3")], AddressOrigin.Identify, AddressScope.Public);

        book.Reached(_peer, Peers.At("2.2.2.2"), AddressScope.Public);

        Assert.Equal(Peers.At("2.2.2.2"), Found(book, _peer)[0]);
        Assert.Equal(3, Found(book, _peer).Length);
    }

    [Fact]
    public void Find_TwoWereReached_TheLastTimeCounts()
    {
        AddressBook book = Book();
        book.Reached(_peer, Peers.At("1.1.1.1"), AddressScope.Public);
        _time.Advance(TimeSpan.FromMinutes(1));
        book.Reached(_peer, Peers.At("2.2.2.2"), AddressScope.Public);

        Assert.Equal([Peers.At("2.2.2.2"), Peers.At("1.1.1.1")], Found(book, _peer));
    }

    [Fact]
    public void Find_NeverReached_IsForgottenInTime()
    {
        AddressBook book = Book();
        book.Add(_peer, [Peers.At("1.1.1.1")], AddressOrigin.Identify, AddressScope.Public);
        _time.Advance(new AddressBookOptions().KeepTold);

        Assert.Empty(Found(book, _peer));
        Assert.Equal([_peer], book.TakeChanges().Removed);
        Assert.Equal(0, book.Count);
        Assert.Equal(0, book.Size);
    }

    [Fact]
    public void Find_Reached_IsKeptLonger()
    {
        AddressBook book = Book();
        book.Reached(_peer, Peers.At("1.1.1.1"), AddressScope.Public);
        _time.Advance(new AddressBookOptions().KeepReached - TimeSpan.FromSeconds(1));
        Assert.Single(Found(book, _peer));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(Found(book, _peer));
    }

    [Fact]
    public void Failed_TooOften_IsForgotten()
    {
        AddressBook book = Book(new AddressBookOptions { MaxFailures = 2 });
        book.Add(_peer, [Peers.At("1.1.1.1"), Peers.At("2.2.2.2")], AddressOrigin.Identify, AddressScope.Public);

        book.Failed(_peer, [Peers.At("1.1.1.1")]);
        Assert.Equal(Peers.At("2.2.2.2"), Found(book, _peer)[0]);
        book.Failed(_peer, [Peers.At("1.1.1.1")]);

        Assert.Equal([Peers.At("2.2.2.2")], Found(book, _peer));
    }

    [Fact]
    public void Add_ToldFromTheInternet_PrivateAddressesAreRefusedAndCounted()
    {
        AddressBook book = Book();

        int taken = book.Add(_peer, [Peers.At("192.168.1.1"), Peers.At("127.0.0.1"), Peers.At("1.1.1.1")], AddressOrigin.Identify, AddressScope.Public);

        Assert.Equal(1, taken);
        Assert.Equal(2, book.RefusedCount);
        Assert.Equal([Peers.At("1.1.1.1")], Found(book, _peer));
    }

    [Fact]
    public void Add_AddressOfAnotherPeer_IsRefused()
    {
        AddressBook book = Book();

        Assert.Equal(0, book.Add(_peer, [Peers.At("1.1.1.1").WithPeerId(Peers.New())], AddressOrigin.Identify, AddressScope.Public));
        Assert.Equal(1, book.Add(_peer, [Peers.At("1.1.1.1").WithPeerId(_peer)], AddressOrigin.Identify, AddressScope.Public));
    }

    [Fact]
    public void Add_MoreAddressesThanAllowed_TheBestAreKept()
    {
        AddressBook book = Book(new AddressBookOptions { MaxAddressesPerPeer = 4 });
        book.Reached(_peer, Peers.At("9.9.9.9"), AddressScope.Public);

        book.Add(_peer, Enumerable.Range(1, 100).Select(port => Peers.At("1.1.1.1", port)), AddressOrigin.Identify, AddressScope.Public);

        Assert.Equal(4, Found(book, _peer).Length);
        Assert.Equal(Peers.At("9.9.9.9"), Found(book, _peer)[0]);
        Assert.True(book.RefusedCount > 0);
    }

    [Fact]
    public void Add_BookIsFull_PeersThatWereReachedStay()
    {
        AddressBook book = Book(new AddressBookOptions { MaxPeerCount = 3 });
        PeerId[] reached = [Peers.New(), Peers.New()];
        foreach (PeerId peer in reached) book.Reached(peer, Peers.At("1.1.1.1"), AddressScope.Public);

        for (int i = 0; i < 20; i++) book.Add(Peers.New(), [Peers.At("2.2.2.2")], AddressOrigin.Identify, AddressScope.Public);

        Assert.Equal(3, book.Count);
        Assert.All(reached, peer => Assert.Single(book.Find(peer)));
        Assert.Equal(reached.Order(), book.FindPeers(2).Order());
    }

    [Fact]
    public void Add_OnlyReachedPeersAreKnown_AStrangerIsRefused()
    {
        AddressBook book = Book(new AddressBookOptions { MaxPeerCount = 1 });
        book.Reached(_peer, Peers.At("1.1.1.1"), AddressScope.Public);

        Assert.Equal(0, book.Add(Peers.New(), [Peers.At("2.2.2.2")], AddressOrigin.Signed, AddressScope.Public));
        Assert.Equal(1, book.Count);
    }

    [Fact]
    public void Add_ManyBytes_SizeStaysWithinItsLimit()
    {
        AddressBook book = Book(new AddressBookOptions { MaxSize = 64 * 1024 });

        for (int i = 0; i < 500; i++)
            book.Add(Peers.New(), Enumerable.Range(1, 16).Select(port => Peers.At("1.1.1.1", port)), AddressOrigin.Identify, AddressScope.Public);

        Assert.InRange(book.Size, 1, 64 * 1024);
    }

    [Fact]
    public void AddRecord_Newer_ReplacesWhatTheOlderSaid()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        AddressBook book = Book();
        Assert.True(book.AddRecord(identity.PeerId, SignedPeerRecord.Create(identity, [Peers.At("1.1.1.1")], 1), AddressScope.Public));
        byte[] newer = SignedPeerRecord.Create(identity, [Peers.At("2.2.2.2")], 2);
        Assert.True(book.AddRecord(identity.PeerId, newer, AddressScope.Public));

        Assert.False(book.AddRecord(identity.PeerId, SignedPeerRecord.Create(identity, [Peers.At("3.3.3.3")], 1), AddressScope.Public));

        Assert.Equal([Peers.At("2.2.2.2")], Found(book, identity.PeerId));
        Assert.Equal(newer, book.FindRecord(identity.PeerId).ToArray());
        Assert.Equal(1, book.RefusedCount);
    }

    [Fact]
    public void AddRecord_ForgedOrAnothers_IsRefusedAndCounted()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        AddressBook book = Book();
        byte[] record = SignedPeerRecord.Create(identity, [Peers.At("1.1.1.1")], 1);

        Assert.False(book.AddRecord(_peer, record, AddressScope.Public));
        record[^1] ^= 1;
        Assert.False(book.AddRecord(identity.PeerId, record, AddressScope.Public));

        Assert.Equal(2, book.RefusedCount);
        Assert.Equal(0, book.Count);
    }

    [Fact]
    public void Restore_AfterTheClockWentBack_KeepsNothingForEver()
    {
        AddressBook book = Book();

        book.Restore([new PeerEntry(_peer, [new AddressEntry(Peers.At("1.1.1.1"), AddressOrigin.Identify, AddressScope.Public, Peers.Start.AddYears(5))],
            default, 0, null)]);

        Assert.Empty(Found(book, _peer));
    }
}
