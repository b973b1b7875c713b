using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace Overlay.Sharing;

/// <summary>Names with all below them, and networks, as lists on disk hold them. Immutable.</summary>
/// <remarks>
/// A line is a name (<c>example.com</c>, also <c>*.example.com</c> and <c>.example.com</c>), an address or a network (<c>192.0.2.0/24</c>), or a line of a
/// hosts file: an address that does not count, and names. <c>#</c> begins a
/// comment. What a hosts file says of the host itself (<c>localhost</c> and names without a dot) is passed over.
/// </remarks>
internal sealed class TargetList
{
    internal const int MaxFileSize = 64 << 20, MaxLineLength = 1024, MaxEntries = 1_000_000;

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly IdnMapping s_idn = new();

    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _names;
    private readonly AddressRanges _networks;

    private TargetList(HashSet<string> names, AddressRanges networks)
    {
        NameCount = names.Count;
        _names = names.GetAlternateLookup<ReadOnlySpan<char>>();
        _networks = networks;
    }

    internal static TargetList Empty { get; } = new([], new AddressRanges([]));

    internal int NameCount { get; }

    internal bool HasNetworks => !_networks.IsEmpty;

    internal bool IsEmpty => NameCount == 0 && _networks.IsEmpty;

    /// <summary>Whether a name or one above it is listed.</summary>
    /// <param name="name">Lower-case, without a trailing dot.</param>
    internal bool ContainsName(string name)
    {
        for (ReadOnlySpan<char> rest = name; ;)
        {
            if (_names.Contains(rest)) return true;
            int dot = rest.IndexOf('.');
            if (dot < 0) return false;
            rest = rest[(dot + 1)..];
        }
    }

    /// <summary>Whether a listed network has the address in it.</summary>
    internal bool ContainsAddress(IPAddress address) => _networks.Contains(address);

    /// <summary>Reads files, all of which must be without fault.</summary>
    /// <exception cref="TargetListException">A file or a line of one cannot be used; says which.</exception>
    internal static TargetList Read(IEnumerable<string> files)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var networks = new List<IPNetwork>();
        foreach (string file in files) Read(file, names, networks);
        return new TargetList(names, new AddressRanges(networks));
    }

    private static void Read(string file, HashSet<string> names, List<IPNetwork> networks)
    {
        try
        {
            // The open file, not its name: that may be a link's, which is small.
            using var bytes = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (bytes.CanSeek && bytes.Length > MaxFileSize)
                throw new TargetListException($"{file} has {bytes.Length} bytes, more than the {MaxFileSize} that a list may have");
            using var reader = new StreamReader(bytes, new UTF8Encoding(false, throwOnInvalidBytes: true));
            for (int number = 1; reader.ReadLine() is { } line; number++)
            {
                if (line.Length > MaxLineLength || !TryReadLine(line, names, networks))
                    throw new TargetListException($"{file}, line {number}: this is no name, address, network or line of a hosts file");
                if (names.Count + networks.Count > MaxEntries)
                    throw new TargetListException($"{file}, line {number}: the lists have more than {MaxEntries} entries together");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException or NotSupportedException)
        {
            throw new TargetListException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static bool TryReadLine(string line, HashSet<string> names, List<IPNetwork> networks)
    {
        int comment = line.IndexOf('#', StringComparison.Ordinal);
        string[] words = (comment < 0 ? line : line[..comment]).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return true;
        if (words.Length == 1)
        {
            if (TryReadNetwork(words[0], out IPNetwork network)) networks.Add(network);
            else if (TryReadName(words[0], out string? name)) names.Add(name);
            else return false;
            return true;
        }

        // A hosts file (hosts(5)): the address says where a name is to lead, and nothing about what is refused.
        int zone = words[0].IndexOf('%', StringComparison.Ordinal);
        if (!TargetHost.TryParse(zone < 0 ? words[0] : words[0][..zone], out TargetHost host, out _) || host.Address is null) return false;
        foreach (string word in words.AsSpan(1))
        {
            if (!TryReadName(word, out string? name)) return false;
            if (name.Contains('.', StringComparison.Ordinal) && SpecialNames.Classify(name) == NameKind.Public) names.Add(name);
        }

        return true;
    }

    private static bool TryReadNetwork(string text, out IPNetwork network)
    {
        network = default;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!TargetHost.TryParse(slash < 0 ? text : text[..slash], out TargetHost host, out _) || host.Address is not { } address) return false;
        int size = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128, length = size;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > size)) return false;
        // Lists that name a host inside a network mean the network.
        byte[] bytes = address.GetAddressBytes();
        for (int bit = length; bit < size; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        network = new IPNetwork(new IPAddress(bytes), length);
        return true;
    }

    private static bool TryReadName(string text, out string name)
    {
        name = text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text.TrimStart('.');
        if (name.Any(c => c > '\x7f'))
        {
            try
            {
                name = s_idn.GetAscii(name);
            }
            catch (ArgumentException)
            {
                return false;
            }
        }

        name = name.ToLowerInvariant().TrimEnd('.');
        return name.AsSpan().IndexOfAnyExcept(s_nameCharacters) < 0 && TargetHost.TryParse(name, out TargetHost host, out _) && host.Name is not null;
    }
}

/// <summary>A list of targets cannot be used.</summary>
internal sealed class TargetListException(string message, Exception? innerException = null) : Exception(message, innerException);
