using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Discovery.Kademlia;
using Overlay.Market;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Sessions.Messages;
using Overlay.TestKit.InMemoryPeers;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestationDeskTests : IAsyncDisposable
{
    private const int Witness = 10;

    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-desk-").FullName;
    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly AttestationBook _book = new(24, 10);
    private readonly InMemoryConnection _asking, _serving;
    private AttestationDesk _desk;

    public AttestationDeskTests()
    {
        (_asking, _serving) = InMemoryConnection.Create(Words.IdentityOf(Witness), Words.IdentityOf(1));
        _desk = Open();
        _serving.Handle(MarketNames.Attestation, (stream, token) => _desk.HandleAsync(stream, token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _asking.DisposeAsync();
        await _serving.DisposeAsync();
        await _serving.WhenHandledAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Push_OfItsWitness_IsKeptShownAndStillThereAfterARestart()
    {
        await AttestationClient.PushAsync(_asking, Words.Make(Witness), Token);
        await AttestationClient.PushAsync(_asking, Words.Make(Witness, Words.Epoch - 1), Token);
        Assert.Equal(2, _desk.Find(0).Count);
        Assert.Equal(2, (await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, 0, Token)).Count);
        Assert.Single(await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, Words.Epoch, Token));
        Assert.Empty(await AttestationClient.AskAsync(_asking, new SeedSigner(3).PublicKey, 0, Token));

        AttestationDesk again = Open(book: new AttestationBook(24, 10));
        await again.LoadAsync(Token);
        Assert.Equal(2, again.Find(0).Count);
    }

    [Fact]
    public async Task Push_ThatIsNotItsWitnessesOrOfNow_IsRefused()
    {
        foreach (Attestation word in new[]
                 {
                     Words.Make(11), // somebody else's
                     Words.Make(Witness, provider: new SeedSigner(2).PublicKey),
                     Words.Make(Witness, Words.Epoch + 1), Words.Make(Witness, Words.Epoch - 2),
                     Words.Make(Witness, second: 3600), // seen in the next epoch
                     Words.Make(Witness, prefix: "here"),
                 })
            await RefusesAsync(word);
        Assert.Empty(_desk.Find(0));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task Push_ToANodeThatGivesNoService_IsRefused()
    {
        _desk = Open(gives: false);
        await RefusesAsync(Words.Make(Witness));
    }

    [Fact]
    public async Task Push_OfAWitnessFartherThanTwentyOthers_IsRefused()
    {
        Key place = WitnessDuty.PlaceOf(Words.Epoch, Words.Provider.PublicKey, default);
        PeerId[] nearer = [.. Enumerable.Range(100, 200).Select(Words.PeerOf)
            .Where(peer => WitnessDuty.RankOf(Words.PeerOf(Witness), [peer], Words.PeerOf(1), place) == 1)];
        Assert.True(nearer.Length >= 20);
        _desk = Open(roster: nearer[..20]);
        await RefusesAsync(Words.Make(Witness));
        _desk = Open(roster: nearer[..19]);
        await AttestationClient.PushAsync(_asking, Words.Make(Witness), Token);
    }

    [Fact]
    public async Task Push_WhereNearerOnesAreKept_IsRefused()
    {
        Key place = WitnessDuty.PlaceOf(Words.Epoch, Words.Provider.PublicKey, default);
        int[] nearer = [.. Enumerable.Range(100, 200)
            .Where(number => WitnessDuty.RankOf(Words.PeerOf(Witness), [Words.PeerOf(number)], Words.PeerOf(1), place) == 1).Take(3)];
        foreach (int number in nearer) Assert.True(_book.Keep(Words.Make(number), place, [], Words.Epoch));
        await RefusesAsync(Words.Make(Witness));
        Assert.Equal(3, _desk.Find(0).Count);
    }

    [Fact]
    public async Task Push_OfAnAnnouncedWitness_DisplacesNearerOnesThatAreNot()
    {
        Key place = WitnessDuty.PlaceOf(Words.Epoch, Words.Provider.PublicKey, default);
        int[] nearer = [.. Enumerable.Range(100, 200)
            .Where(number => WitnessDuty.RankOf(Words.PeerOf(Witness), [Words.PeerOf(number)], Words.PeerOf(1), place) == 1).Take(3)];
        foreach (int number in nearer) Assert.True(_book.Keep(Words.Make(number), place, [], Words.Epoch));
        _desk = Open(roster: [Words.PeerOf(Witness)]);
        await AttestationClient.PushAsync(_asking, Words.Make(Witness), Token);
        Assert.Contains(_desk.Find(0), word => word.Body.Witness == new SeedSigner(Witness).PublicKey);
    }

    [Fact]
    public async Task Stream_MoreThanTheRateAllows_IsRefusedUntilTimeHasPassed()
    {
        _desk = Open(limits: new MarketLimits { AttestationBurst = 2, AttestationsPerMinute = 1 });
        for (int i = 0; i < 2; i++) await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, 0, Token);
        await Assert.ThrowsAnyAsync<IOException>(async () => await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, 0, Token));
        _time.Advance(TimeSpan.FromMinutes(1));
        await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, 0, Token);
    }

    [Fact]
    public async Task Stream_WithSomethingElse_EndsAndNothingElse()
    {
        foreach (byte[] bad in (byte[][])[[], [0xC0], new byte[AttestationRequest.MaxSize],
            [.. new AttestationRequest.Ask(Words.Provider.PublicKey, 0).Encode(), 0]])
        {
            await using PeerStream stream = await _asking.OpenStreamAsync(MarketNames.Attestation, Token);
            await stream.Output.WriteMessageAsync(bad, Token);
            await Assert.ThrowsAnyAsync<IOException>(async () => await stream.Input.ReadMessageAsync(MessagePipes.MaxSize, Token));
        }

        Assert.Empty(await AttestationClient.AskAsync(_asking, Words.Provider.PublicKey, 0, Token));
    }

    [Fact]
    public async Task Ask_OfAWitness_GivesWhatItHasMade()
    {
        PublicKey other = new SeedSigner(3).PublicKey;
        _book.KeepMade(Words.Make(1, provider: other, reachable: false));
        Assert.False(Assert.Single(await AttestationClient.AskAsync(_asking, other, 0, Token)).Body.Reachable);
    }

    private async Task RefusesAsync(Attestation word) =>
        await Assert.ThrowsAnyAsync<IOException>(async () => await AttestationClient.PushAsync(_asking, word, Token));

    private AttestationDesk Open(bool gives = true, PeerId[]? roster = null, MarketLimits? limits = null, AttestationBook? book = null) => new(
        Words.Provider.PublicKey, book ?? _book, new WitnessRoster(roster is null ? null : _ => Give(roster), _time, new FakeLogger()), (_, _) =>
            ValueTask.FromResult(default(Digest)), gives, _folder,
        limits ?? new MarketLimits { AttestationBurst = 100 }, _time, new FakeLogger());

    private static async IAsyncEnumerable<PeerInfo> Give(IEnumerable<PeerId> peers)
    {
        await Task.Yield();
        foreach (PeerId peer in peers) yield return new PeerInfo { PeerId = peer };
    }
}
