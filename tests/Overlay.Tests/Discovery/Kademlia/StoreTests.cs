using System.Net;
using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Kademlia.Stores;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery.Kademlia;

public sealed class StoreTests
{
    private static readonly Key s_self = KademliaCodecTests.Peer(-1).Key;

    [Fact]
    public void Values_OfOnePeer_AreLimited()
    {
        var store = new ValueStore(s_self, new KademliaOptions { MaxValuesPerPeer = 2 });
        StoreOwner owner = Owner(1);

        Assert.True(Put(store, "/a/1", owner));
        Assert.True(Put(store, "/a/2", owner));
        Assert.False(Put(store, "/a/3", owner));
        Assert.True(Put(store, "/a/3", Owner(2)));
        Assert.True(Put(store, "/a/1", owner));
    }

    [Fact]
    public void Values_OfOneNetwork_AreLimited()
    {
        var store = new ValueStore(s_self, new KademliaOptions { MaxValuesPerPeer = 1 });
        AddressGroup network = AddressGroup.Of(IPAddress.Parse("1.2.3.4"));

        Assert.Equal(8, Enumerable.Range(0, 20).Count(i => Put(store, $"/a/{i}", Owner(i, network))));
    }

    [Fact]
    public void Values_Full_KeepsWhatIsNearest()
    {
        var store = new ValueStore(s_self, new KademliaOptions { MaxValueCount = 10 });
        string[] keys = [.. Enumerable.Range(0, 100).Select(i => $"/a/{i}")];
        for (int i = 0; i < keys.Length; i++) Put(store, keys[i], Owner(i));

        Assert.Equal(10, store.Count);
        Assert.All(keys.OrderBy(key => Place(key).DistanceTo(s_self)).Take(10), key => Assert.NotNull(store.Find(Place(key), default)));
    }

    [Fact]
    public void Values_Expired_AreGone()
    {
        var options = new KademliaOptions();
        var store = new ValueStore(s_self, options);
        Put(store, "/a/1", Owner(1));

        Assert.Null(store.Find(Place("/a/1"), options.ValueExpiry));
        store.RemoveExpired(options.ValueExpiry);
        Assert.Equal(0, store.Count);
        Assert.Equal(0, store.Size);
    }

    [Fact]
    public void Providers_FloodOfOneNetwork_PushesNobodyElseOut()
    {
        var store = new ProviderStore(s_self, new KademliaOptions { MaxProvidersPerKey = 16 });
        Contact honest = KademliaCodecTests.Peer(1, "/ip4/9.9.9.9/tcp/1");
        store.TryAdd(Place("k"), honest, AddressGroup.Of(IPAddress.Parse("9.9.9.9")), default);

        for (int i = 2; i < 500; i++)
            store.TryAdd(Place("k"), KademliaCodecTests.Peer(i, "/ip4/1.2.3.4/tcp/1"), AddressGroup.Of(IPAddress.Parse("1.2.3.4")), default);

        List<Contact> found = store.Find(Place("k"), 100, default);
        Assert.Contains(honest, found);
        Assert.Equal(9, found.Count);
    }

    [Fact]
    public void Providers_AfterHalfAnHour_AreNamedWithoutAddresses_AndAfterTwoDaysNotAtAll()
    {
        var options = new KademliaOptions();
        var store = new ProviderStore(s_self, options);
        store.TryAdd(Place("k"), KademliaCodecTests.Peer(1, "/ip4/9.9.9.9/tcp/1"), null, default);

        Assert.Single(Assert.Single(store.Find(Place("k"), 10, default)).Addresses);
        Assert.Empty(Assert.Single(store.Find(Place("k"), 10, options.ProviderAddressExpiry)).Addresses);
        Assert.Empty(store.Find(Place("k"), 10, options.ProviderExpiry));
        store.RemoveExpired(options.ProviderExpiry);
        Assert.Equal(0, store.KeyCount);
    }

    [Fact]
    public void Providers_ManyBytes_StayWithinTheirLimit()
    {
        var store = new ProviderStore(s_self, new KademliaOptions { MaxProviderMemory = 65536 });
        string[] addresses = [.. Enumerable.Range(1, 16).Select(i => $"/ip4/9.9.9.{i}/tcp/1")];

        for (int i = 0; i < 200; i++)
        {
            store.TryAdd(Place($"{i % 40}"), KademliaCodecTests.Peer(i, addresses), null, default);
            Assert.InRange(store.Size, 1, 65536);
        }

        // What lies nearest is what is left.
        Assert.InRange(store.Count, 10, 30);
        Key nearest = Enumerable.Range(0, 40).Select(i => Place($"{i}")).MinBy(place => place.DistanceTo(s_self));
        Assert.Equal(5, store.Find(nearest, 100, default).Count);

        store.RemoveExpired(new KademliaOptions().ProviderExpiry);
        Assert.Equal(0, store.Size);
    }

    [Fact]
    public void Providers_OnePeer_HasItsShareOfKeys()
    {
        var store = new ProviderStore(s_self, new KademliaOptions { MaxKeysPerProvider = 3 });
        Contact peer = KademliaCodecTests.Peer(1);

        Assert.Equal(3, Enumerable.Range(0, 10).Count(i => store.TryAdd(Place($"{i}"), peer, null, default)));
        Assert.Equal(3, store.KeyCount);
    }

    [Fact]
    public void PublicKeyRecord_OfThatPeerAlone_IsValid()
    {
        var rules = new RecordRules(new KademliaOptions());
        using var one = PeerIdentity.Generate();
        using var other = PeerIdentity.Generate();
        byte[] key = [.. "/pk/"u8, .. one.PeerId.Bytes];

        Assert.True(rules.IsValid(key, one.PublicKey.Encoded.Span));
        Assert.False(rules.IsValid(key, other.PublicKey.Encoded.Span));
        Assert.False(rules.IsValid("/pk/"u8, one.PublicKey.Encoded.Span));
    }

    [Fact]
    public void SignedValue_NewerWins_AndAnotherKeyOrSignerIsRefused()
    {
        var rules = new RecordRules(new KademliaOptions());
        using var one = PeerIdentity.Generate();
        using var other = PeerIdentity.Generate();
        byte[] key = SignedValue.KeyOf(one.PeerId, "x"), older = SignedValue.Seal(one, key, 1, "a"u8), newer = SignedValue.Seal(one, key, 2, "b"u8);

        Assert.True(rules.IsValid(key, older));
        Assert.True(rules.IsBetter(key, older, newer));
        Assert.False(rules.IsBetter(key, newer, older));
        Assert.False(rules.IsBetter(key, newer, newer));
        Assert.False(rules.IsValid(SignedValue.KeyOf(one.PeerId, "y"), older));
        Assert.False(rules.IsValid(key, SignedValue.Seal(other, key, 3, "c"u8)));
        for (int size = 0; size < older.Length; size++) Assert.False(rules.IsValid(key, older.AsSpan(0, size)));
    }

    [Fact]
    public void Choose_ValuesThatWereFoundValid_ChecksNoSignatureAgain()
    {
        using var author = PeerIdentity.Generate();
        byte[] key = SignedValue.KeyOf(author.PeerId, "x"), older = SignedValue.Seal(author, key, 1, "a"u8), newer = SignedValue.Seal(author, key, 2, "b"u8);
        older[^1] ^= 1;
        newer[^1] ^= 1;

        Assert.True(new SignedValueValidator().Choose(key, older, newer) > 0);
        Assert.True(new SignedValueValidator().Choose(key, newer, older) < 0);
        Assert.False(new SignedValueValidator().IsValid(key, newer));
    }

    [Fact]
    public void Rules_NamespaceWithoutValidator_IsNobodys() => Assert.False(new RecordRules(new KademliaOptions()).IsValid("/nobody/x"u8, "v"u8));

    private static Key Place(string key) => Key.Of(System.Text.Encoding.ASCII.GetBytes(key));

    private static StoreOwner Owner(int number, AddressGroup? network = null) => new(KademliaCodecTests.Peer(number).Key, network);

    private static bool Put(ValueStore store, string key, StoreOwner owner) =>
        store.TryPut(Place(key), new KademliaRecord(System.Text.Encoding.ASCII.GetBytes(key), new byte[] { 1 }), owner, default);
}
