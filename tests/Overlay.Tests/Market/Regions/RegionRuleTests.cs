using System.Net;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Market.Regions;

namespace Overlay.Tests.Market.Regions;

public sealed class RegionRuleTests : IDisposable
{
    private static readonly Region s_germany = Region.Parse("DE"), s_japan = Region.Parse("JP"), s_australia = Region.Parse("AU");

    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-geoip-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "countries.mmdb");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("198.51.100.7", "DE", true)]
    [InlineData("198.51.100.7", "JP", false)]
    [InlineData("::ffff:198.51.100.7", "JP", false)]
    [InlineData("2001:db8:7::1", "US", true)]
    [InlineData("2001:db8:7::1", "DE", false)]
    [InlineData("203.0.113.1", "JP", true)] // not in the file
    [InlineData("2001:db8:8::1", "JP", true)]
    [InlineData("192.0.2.1", "JP", true)] // no country in it, only where it is registered
    [InlineData("198.51.100.7", "ZZ", true)]
    public void File_AnswersByAddress_AndWhatItDoesNotKnowPasses(string address, string said, bool passes)
    {
        using RegionRule rule = Open(new CountryFile().Add("198.51.100.0/24", "DE").Add("2001:db8:7::/48", "US")
            .Add("192.0.2.0/24", "DE", key: "registered_country"));
        string? objection = rule.ObjectionTo(Region.Parse(said), [IPAddress.Parse("203.0.113.200"), IPAddress.Parse(address)], null);
        Assert.Equal(passes, objection is null);
        if (!passes) Assert.Contains(said, objection, StringComparison.Ordinal);
    }

    [Fact]
    public void File_MissingDamagedOrOfAnotherKind_SaysSoAtTheStart()
    {
        Assert.Contains(Path, Refused(), StringComparison.Ordinal);
        byte[] whole = new CountryFile().Add("198.51.100.0/24", "DE").ToArray();
        foreach (byte[] damaged in new byte[][] { [], "no database"u8.ToArray(), whole[..(whole.Length / 2)], whole[..^20] })
        {
            File.WriteAllBytes(Path, damaged);
            Assert.Contains(Path, Refused(), StringComparison.Ordinal);
        }

        // Sound by itself, and none that says countries: the reader says so in its own way.
        File.WriteAllBytes(Path, new CountryFile().AddNumber("192.0.2.0/24").ToArray());
        Assert.Contains(Path, Refused(), StringComparison.Ordinal);

        File.WriteAllBytes(Path, new CountryFile { Kind = "Test-ASN" }.ToArray());
        Assert.Contains("countries", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void File_DamagedBehindItsIndex_ContradictsNobody()
    {
        byte[] bytes = new CountryFile().Add("198.51.100.0/24", "DE").ToArray();
        // The country's map says that it is a map of very many.
        bytes[bytes.AsSpan().IndexOf("country"u8) - 2] = 0xFF;
        File.WriteAllBytes(Path, bytes);
        using RegionRule rule = new(GeoIpFile.Open(Path, new FakeLogger()), Region.Anywhere);
        Assert.Null(rule.ObjectionTo(s_japan, [IPAddress.Parse("198.51.100.7")], null));
    }

    [Fact]
    public void File_OfOtherFormInSomePlaces_ContradictsNobodyThere()
    {
        using RegionRule rule = Open(new CountryFile().AddNumber("198.51.100.0/24").Add("203.0.113.0/24", "DE"));
        Assert.Null(rule.ObjectionTo(s_japan, [IPAddress.Parse("198.51.100.7")], null));
        Assert.NotNull(rule.ObjectionTo(s_japan, [IPAddress.Parse("203.0.113.7")], null));
    }

    [Theory]
    [InlineData("DE", "JP", 5, false)]
    [InlineData("DE", "JP", 60, false)]
    [InlineData("DE", "JP", 250, true)]
    [InlineData("DE", "FR", 0.1, true)] // they touch
    [InlineData("DE", "DE", 0, true)]
    [InlineData("DE", "ZZ", 0, true)]
    [InlineData("ZZ", "JP", 0, true)]
    [InlineData("DE", "XX", 0, true)] // on no map
    public void RoundTrip_ShorterThanLightNeeds_ContradictsTheRegion(string own, string said, double milliseconds, bool passes)
    {
        using var rule = new RegionRule(null, Region.Parse(own));
        Assert.Equal(passes, rule.ObjectionTo(Region.Parse(said), [], TimeSpan.FromMilliseconds(milliseconds)) is null);
        Assert.Null(rule.ObjectionTo(Region.Parse(said), [], null));
    }

    [Fact]
    public void Places_AreAllOfIso3166AndHangTogether()
    {
        Assert.Equal(250, RegionPlaces.Codes.Count);
        Assert.All(RegionPlaces.Codes, code => Assert.True(Region.TryParse(code, out _)));
        Assert.Equal(0, RegionPlaces.LeastDistance(s_germany, s_germany));
        Assert.Equal(RegionPlaces.LeastDistance(s_germany, s_japan), RegionPlaces.LeastDistance(s_japan, s_germany));
        Assert.InRange(RegionPlaces.LeastDistance(s_germany, s_japan), 5000, 9000);
        Assert.InRange(RegionPlaces.LeastDistance(s_germany, s_australia), 8000, 13_000);
        Assert.InRange(RegionPlaces.Distance(52.5, 13.4, 35.7, 139.7), 8850, 9000); // Berlin and Tokyo
        Assert.Equal(Math.PI * 6371, RegionPlaces.Distance(0, 0, 0, 180), 3);
    }

    [Theory]
    [InlineData("DE", 54.8, 9.4)] // Flensburg
    [InlineData("DE", 47.5, 10.3)] // the Allgäu
    [InlineData("ES", 27.8, -17.9)] // El Hierro
    [InlineData("PT", 39.5, -31.2)] // Flores
    [InlineData("US", 21.3, -157.9)] // Honolulu
    [InlineData("US", 25.8, -80.2)] // Miami
    [InlineData("US", 52.9, 172.9)] // Attu
    [InlineData("RU", 54.7, 20.5)] // Kaliningrad
    [InlineData("RU", 66.1, -169.7)] // Uelen's strait
    [InlineData("CL", -27.1, -109.4)] // Rapa Nui
    [InlineData("EC", -0.9, -91)] // Isabela
    [InlineData("CA", 46.8, -52.8)] // Cape Spear
    [InlineData("CN", 39.5, 76)] // Kashgar
    [InlineData("BR", -3.9, -32.4)] // Fernando de Noronha
    [InlineData("AU", -43.6, 146.8)] // Tasmania
    [InlineData("NZ", -44, -176.5)] // the Chathams
    [InlineData("JP", 24.4, 123)] // Yonaguni
    [InlineData("ID", -8.5, 140.4)] // Merauke
    [InlineData("NO", 70.4, 31.1)] // Vardø
    [InlineData("GB", 60.8, -0.8)] // Unst
    public void Places_HoldTheirFarthestCorners(string code, double north, double east) => Assert.True(RegionPlaces.MayContain(code, north, east));

    private RegionRule Open(CountryFile file)
    {
        File.WriteAllBytes(Path, file.ToArray());
        return new RegionRule(GeoIpFile.Open(Path, new FakeLogger()), Region.Anywhere);
    }

    private string Refused()
    {
        OverlayException refused = Assert.Throws<OverlayException>(() => GeoIpFile.Open(Path, new FakeLogger()));
        Assert.Equal(OverlayError.GeoIpFile, refused.Reason);
        return refused.Message;
    }
}
