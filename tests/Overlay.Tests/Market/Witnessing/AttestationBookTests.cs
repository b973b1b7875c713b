using CsCheck;
using Overlay.Discovery.Kademlia;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestationBookTests
{
    private static readonly Key s_place = WitnessDuty.PlaceOf(Words.Epoch, Words.Provider.PublicKey, default);
    private static readonly Attestation[] s_words = [.. Enumerable.Range(10, 12).Select(witness => Words.Make(witness))];

    [Fact]
    public void Keep_AnyNumberInAnyOrder_TheThreeNearestStay()
    {
        string[] nearest = [.. s_words.OrderBy(word => DistanceOf(word)).Take(3).Select(word => word.Body.Witness.ToString()).Order(StringComparer.Ordinal)];
        Gen.Shuffle(s_words).Sample(words =>
        {
            var book = new AttestationBook(24, 1);
            foreach (Attestation word in words) book.Keep(word, s_place, [], Words.Epoch);
            Assert.Equal(nearest, book.Find(0, Words.Epoch).Select(word => word.Body.Witness.ToString()).Order(StringComparer.Ordinal));
        }, iter: 50);
    }

    [Fact]
    public void Keep_AnyNumberInAnyOrder_TheAnnouncedAreNeverDisplacedByOthers()
    {
        Attestation[] nearestFirst = [.. s_words.OrderBy(word => DistanceOf(word))];
        // The farthest are announced, and everybody who ground a key is nearer.
        for (int count = 0; count <= 5; count++)
        {
            PeerId[] announced = [.. nearestFirst.TakeLast(count).Select(word => WitnessDuty.PeerOf(word.Body.Witness))];
            string[] expected =
            [
                .. nearestFirst.TakeLast(count).Concat(nearestFirst).Take(3).Select(word => word.Body.Witness.ToString()).Order(StringComparer.Ordinal),
            ];
            Gen.Shuffle(s_words).Sample(words =>
            {
                var book = new AttestationBook(24, 1);
                foreach (Attestation word in words) book.Keep(word, s_place, announced, Words.Epoch);
                Assert.Equal(expected, book.Find(0, Words.Epoch).Select(word => word.Body.Witness.ToString()).Order(StringComparer.Ordinal));
            }, iter: 20);
        }
    }

    [Fact]
    public void Keep_OneWhoseAnnouncementIsHeardOfLaterAndThenNoMore_StaysAnAnnouncedOne()
    {
        Attestation[] nearestFirst = [.. s_words.OrderBy(word => DistanceOf(word))];
        PeerId farthest = WitnessDuty.PeerOf(nearestFirst[^1].Body.Witness);
        var book = new AttestationBook(24, 1);
        Assert.True(book.Keep(nearestFirst[^1], s_place, [], Words.Epoch));
        Assert.True(book.Keep(nearestFirst[0], s_place, [farthest], Words.Epoch));
        Assert.True(book.Keep(nearestFirst[1], s_place, [], Words.Epoch));
        Assert.False(book.Keep(nearestFirst[2], s_place, [], Words.Epoch));
        Assert.Contains(nearestFirst[^1], book.Find(0, Words.Epoch));
    }

    [Fact]
    public void Keep_TheSameWitnessAgain_CountsItsNewestWord()
    {
        var book = new AttestationBook(24, 1);
        Assert.True(book.Keep(Words.Make(10, reachable: false, second: 10), s_place, [], Words.Epoch));
        Assert.True(book.Keep(Words.Make(10, second: 20), s_place, [], Words.Epoch));
        Assert.False(book.Keep(Words.Make(10, reachable: false, second: 15), s_place, [], Words.Epoch));
        Assert.True(Assert.Single(book.Find(0, Words.Epoch)).Body.Reachable);
    }

    [Fact]
    public void Keep_EpochsThatAreOverForLong_AreForgotten()
    {
        var book = new AttestationBook(3, 1);
        Assert.False(book.Keep(Words.Make(10, Words.Epoch + 1), s_place, [], Words.Epoch));
        Assert.False(book.Keep(Words.Make(10, Words.Epoch - 3), s_place, [], Words.Epoch));
        for (ulong epoch = Words.Epoch - 2; epoch <= Words.Epoch; epoch++) Assert.True(book.Keep(Words.Make(10, epoch), s_place, [], Words.Epoch));
        Assert.Equal([Words.Epoch - 2, Words.Epoch - 1, Words.Epoch], Epochs(book.Find(0, Words.Epoch)));
        Assert.Equal([Words.Epoch], Epochs(book.Find(Words.Epoch, Words.Epoch)));
        Assert.Equal([Words.Epoch], Epochs(book.Find(0, Words.Epoch + 2)));
        Assert.Empty(book.Find(0, Words.Epoch + 3));
    }

    [Fact]
    public void KeepMade_MoreThanThereIsRoomFor_ForgetsTheOldest()
    {
        var book = new AttestationBook(24, 2);
        for (int provider = 1; provider < 4; provider++) book.KeepMade(Words.Make(10, provider: new SeedSigner(provider).PublicKey));
        Assert.Empty(book.FindMade(new SeedSigner(1).PublicKey, 0));
        Assert.Single(book.FindMade(new SeedSigner(3).PublicKey, 0));
        Assert.Empty(book.FindMade(new SeedSigner(3).PublicKey, Words.Epoch + 1));
        Assert.Empty(book.Find(0, Words.Epoch));
    }

    private static Distance DistanceOf(Attestation word) => Key.Of(WitnessDuty.PeerOf(word.Body.Witness)).DistanceTo(s_place);

    private static IEnumerable<ulong> Epochs(IEnumerable<Attestation> words) => words.Select(word => word.Body.Epoch);
}
