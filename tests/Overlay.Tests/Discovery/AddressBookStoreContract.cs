using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

/// <summary>What every store of an address book keeps to.</summary>
public abstract class AddressBookStoreContract : IAsyncLifetime
{
    private IAddressBookStore _store = null!;

    private protected abstract IAddressBookStore Open();

    /// <summary>The same store as after a restart of the node, where it outlives one.</summary>
    private protected abstract ValueTask<IAddressBookStore> ReopenAsync(IAddressBookStore store);

    public ValueTask InitializeAsync()
    {
        _store = Open();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private static PeerEntry Entry(int minutes, PeerId? peer = null) => new(
        peer ?? Peers.New(),
        [
            new AddressEntry(Peers.At("1.1.1.1"), AddressOrigin.Identify, AddressScope.Public, Peers.Start.AddDays(1)),
            new AddressEntry(Peers.At("192.168.0.7"), AddressOrigin.Mdns, AddressScope.Lan, Peers.Start.AddDays(2), Peers.Start.AddMinutes(minutes), 3),
            new AddressEntry(Peers.At("127.0.0.1"), AddressOrigin.Owner, null, Peers.Start.AddDays(3)),
        ],
        default, 0, Peers.Start.AddMinutes(minutes));

    private async Task<IReadOnlyList<PeerEntry>> LoadAsync(int maxCount = 100)
    {
        _store = await ReopenAsync(_store);
        return await _store.LoadAsync(maxCount, Peers.Cancellation);
    }

    [Fact]
    public async Task Load_Saved_IsAllThere()
    {
        PeerEntry entry = Entry(1);
        await _store.SaveAsync([entry], [], Peers.Cancellation);

        PeerEntry loaded = Assert.Single(await LoadAsync());

        Assert.Equal(entry.Peer, loaded.Peer);
        Assert.Equal(entry.LastReached, loaded.LastReached);
        Assert.Equal(entry.Addresses.OrderBy(a => a.Address.ToString(), StringComparer.Ordinal),
            loaded.Addresses.OrderBy(a => a.Address.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public async Task Load_WithARecord_IsItsOwnersWord()
    {
        using PeerIdentity identity = PeerIdentity.Generate();
        byte[] record = SignedPeerRecord.Create(identity, [Peers.At("1.1.1.1")], 77);
        await _store.SaveAsync([Entry(1, identity.PeerId) with { Record = record, RecordSequence = 77 }], [], Peers.Cancellation);

        PeerEntry loaded = Assert.Single(await LoadAsync());

        Assert.Equal(record, loaded.Record.ToArray());
        Assert.Equal(77UL, loaded.RecordSequence);
    }

    [Fact]
    public async Task Save_Again_ReplacesTheWholePeer()
    {
        PeerEntry entry = Entry(1);
        await _store.SaveAsync([entry], [], Peers.Cancellation);
        await _store.SaveAsync([entry with { Addresses = [entry.Addresses[0]] }], [], Peers.Cancellation);

        Assert.Single(Assert.Single(await LoadAsync()).Addresses);
    }

    [Fact]
    public async Task Save_Removed_IsGone()
    {
        PeerEntry stays = Entry(1), goes = Entry(2);
        await _store.SaveAsync([stays, goes], [], Peers.Cancellation);
        await _store.SaveAsync([], [goes.Peer, Peers.New()], Peers.Cancellation);

        Assert.Equal([stays.Peer], (await LoadAsync()).Select(entry => entry.Peer));
    }

    [Fact]
    public async Task Load_MoreThanAllowed_ThoseReachedLast()
    {
        PeerEntry[] entries = [.. Enumerable.Range(1, 10).Select(minutes => Entry(minutes)), Entry(0) with { LastReached = null }];
        await _store.SaveAsync(entries, [], Peers.Cancellation);

        IReadOnlyList<PeerEntry> loaded = await LoadAsync(3);

        Assert.Equal(entries[7..10].Reverse().Select(entry => entry.Peer), loaded.Select(entry => entry.Peer));
    }

    [Fact]
    public async Task SaveConnections_AnyNumberOfTimes_TakesNothingFromTheBook()
    {
        await _store.SaveAsync([Entry(1)], [], Peers.Cancellation);
        var peer = new NetworkPeer { PeerId = Peers.New(), Source = PeerSource.Mdns, ConnectedSince = Peers.Start, Direction = Direction.Inbound };
        await _store.SaveConnectionsAsync([peer], Peers.Cancellation);
        await _store.SaveConnectionsAsync([], Peers.Cancellation);

        Assert.Single(await LoadAsync());
    }
}

public sealed class InMemoryAddressBookStoreTests : AddressBookStoreContract
{
    private protected override IAddressBookStore Open() => new InMemoryAddressBookStore();

    private protected override ValueTask<IAddressBookStore> ReopenAsync(IAddressBookStore store) => ValueTask.FromResult(store);
}

public sealed class SqliteAddressBookStoreTests : AddressBookStoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-book-").FullName;

    private string Book => Path.Combine(_folder, "peers.db");

    private protected override IAddressBookStore Open() => SqliteAddressBookStore.Open(Book);

    private protected override async ValueTask<IAddressBookStore> ReopenAsync(IAddressBookStore store)
    {
        await store.DisposeAsync();
        return Open();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Open_AlreadyOpen_IsRefused() => Assert.Throws<AddressBookException>(() => SqliteAddressBookStore.Open(Book));

    [Fact]
    public void Open_AnotherProgramsFile_IsRefusedAndLeftAlone()
    {
        string path = Path.Combine(_folder, "other.db");
        File.WriteAllText(path, new string('x', 200));

        Assert.Throws<AddressBookException>(() => SqliteAddressBookStore.Open(path));
        Assert.Equal(new string('x', 200), File.ReadAllText(path));
    }

    [Fact]
    public async Task Open_DamagedFile_BeginsAnew()
    {
        string path = Path.Combine(_folder, "damaged.db");
        await using (SqliteAddressBookStore store = SqliteAddressBookStore.Open(path))
            await store.SaveAsync([new PeerEntry(Peers.New(), [], default, 0, null)], [], Peers.Cancellation);
        byte[] file = await File.ReadAllBytesAsync(path, Peers.Cancellation);
        file.AsSpan(100).Fill(0xA5);
        await File.WriteAllBytesAsync(path, file, Peers.Cancellation);

        await using SqliteAddressBookStore anew = SqliteAddressBookStore.Open(path);

        Assert.Empty(await anew.LoadAsync(10, Peers.Cancellation));
    }

    [Fact]
    public async Task Load_RowsThatNobodyWrote_AreLeftOutAndCounted()
    {
        string path = Path.Combine(_folder, "odd.db");
        PeerId peer = Peers.New();
        await using (SqliteAddressBookStore store = SqliteAddressBookStore.Open(path))
        {
            await store.SaveAsync(
                [new PeerEntry(peer, [new AddressEntry(Peers.At("1.1.1.1"), AddressOrigin.Told, AddressScope.Public, Peers.Start.AddDays(1))], default, 0,
                    null)], [],
                Peers.Cancellation);
        }

        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            foreach (string statement in (string[])
            [
                "INSERT INTO peer VALUES (x'00', x'', NULL)",
                "INSERT INTO address SELECT peer, x'FF', 1, 3, 1, NULL, 0 FROM peer WHERE length(peer) > 1",
                // An address of the LAN that somebody far away is said to have told.
                "INSERT INTO address SELECT peer, x'04C0A80001060050', 1, 3, 99999999999, NULL, 0 FROM peer WHERE length(peer) > 1",
                "INSERT INTO address SELECT peer, x'0401010101060050', 9, 3, 99999999999, NULL, 0 FROM peer WHERE length(peer) > 1",
            ])
            {
                using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
                command.CommandText = statement;
                command.ExecuteNonQuery();
            }
        }

        await using SqliteAddressBookStore odd = SqliteAddressBookStore.Open(path);
        PeerEntry loaded = Assert.Single(await odd.LoadAsync(10, Peers.Cancellation));

        Assert.Equal(Peers.At("1.1.1.1"), Assert.Single(loaded.Addresses).Address);
        Assert.Equal(4, odd.DamagedCount);
    }

    [Fact]
    public async Task ReadConnections_OfARunningNode_TellsThem()
    {
        string path = Path.Combine(_folder, "running.db");
        var peer = new NetworkPeer
        {
            PeerId = Peers.New(),
            Source = PeerSource.Bootstrap,
            ConnectedSince = Peers.Start,
            Direction = Direction.Outbound,
            Address = Peers.At("1.1.1.1"),
            Latency = TimeSpan.FromMilliseconds(12),
            AgentVersion = "test/1",
        };
        Assert.Null(SqliteAddressBookStore.ReadConnections(path));
        await using (SqliteAddressBookStore store = SqliteAddressBookStore.Open(path))
        {
            await store.SaveConnectionsAsync([peer], Peers.Cancellation);
            Assert.Equal([peer], SqliteAddressBookStore.ReadConnections(path));
        }

        Assert.Null(SqliteAddressBookStore.ReadConnections(path));
    }
}
