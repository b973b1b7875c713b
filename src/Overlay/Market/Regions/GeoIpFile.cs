using System.Net;
using System.Net.Sockets;
using MaxMind.Db;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Market.Regions;

/// <summary>A GeoIP file of the owner's: which country an address is said to be in. Safe on several threads.</summary>
internal sealed class GeoIpFile : IDisposable
{
    // Of the kinds of files that there are, those that name countries.
    private static readonly string[] s_kinds = ["Country", "City", "Enterprise", "Location"];

    private readonly Reader _reader;
    private readonly ILogger _logger;

    private GeoIpFile(Reader reader, ILogger logger)
    {
        _reader = reader;
        _logger = logger;
    }

    /// <exception cref="OverlayException">The file is missing, damaged, or says nothing of countries.</exception>
    internal static GeoIpFile Open(string path, ILogger logger)
    {
        Reader? reader = null;
        try
        {
            reader = new Reader(path, FileAccessMode.Memory);
            string kind = reader.Metadata.DatabaseType;
            if (!s_kinds.Any(known => kind.Contains(known, StringComparison.OrdinalIgnoreCase)))
                throw new InvalidDatabaseException($"it is of the kind '{kind}', which says nothing of countries");
            var file = new GeoIpFile(reader, logger);
            // A file that breaks off after its index shows it here.
            reader.Find<GeoIpRecord>(IPAddress.Parse("192.0.2.1"));
            return file;
        }
        catch (Exception e) when (e is UnauthorizedAccessException || IsDamage(e))
        {
            reader?.Dispose();
            throw new OverlayException(OverlayError.GeoIpFile, $"The GeoIP file {path} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>The country of an address; null where the file has none.</summary>
    internal Region? Find(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && _reader.Metadata.IPVersion == 4) return null;
        try
        {
            // Where the address is; where it is registered says less, and may be another country.
            return Region.TryParse(_reader.Find<GeoIpRecord>(address)?.Country?.IsoCode, out Region region) ? region : default(Region?);
        }
        catch (Exception e) when (IsDamage(e))
        {
            MarketLog.GeoIpFailed(_logger, e.Message);
            return null;
        }
    }

    public void Dispose() => _reader.Dispose();

    // What the reader ends with where the bytes are not what it takes them for.
    private static bool IsDamage(Exception e) => e is IOException or InvalidDatabaseException or DeserializationException or ArgumentException
        or InvalidOperationException or InvalidCastException or IndexOutOfRangeException or OverflowException;
}

/// <summary>What is read of the file for an address.</summary>
internal sealed class GeoIpRecord
{
    /// <summary>Where the address is.</summary>
    [MapKey("country")]
    public GeoIpCountry? Country { get; init; }
}

/// <summary>A country in the file.</summary>
internal sealed class GeoIpCountry
{
    /// <summary>ISO 3166-1 alpha-2.</summary>
    [MapKey("iso_code")]
    public string? IsoCode { get; init; }
}
