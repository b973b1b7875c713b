using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Overlay.Packaging.Tests.Arrows;
using Overlay.TestKit;

namespace Overlay.Packaging.Tests;

/// <summary>Who may use whom, read from the compiled assemblies. A wrong arrow fails here; a new room is added to the maps together with its reason.</summary>
public sealed class ArrowTests
{
    private const string Transport = "Overlay.Transport", Proofs = "Overlay.Proofs", Face = "Overlay";

    private static readonly string[] s_protocol = ["Connections", "Identity", "Crypto", "Diagnostics"];

    // Inside Transport a protocol sees the seam, the names and the ciphers, never another protocol. The root composes.
    private static readonly RoomMap s_transport = new(Transport, new()
    {
        ["Crypto"] = [],
        ["Identity"] = ["Crypto"],
        ["Connections"] = ["Identity"],
        ["Resources"] = ["Connections", "Identity"],
        ["Diagnostics"] = ["Connections", "Identity", "Resources"],
        ["Tcp"] = s_protocol,
        ["Memory"] = s_protocol,
        ["Multistream"] = s_protocol,
        ["Noise"] = s_protocol,
        ["Yamux"] = s_protocol,
        ["Identify"] = s_protocol,
        ["Ping"] = s_protocol,
        ["Perf"] = s_protocol,
    });

    private static readonly RoomMap s_proofs = new(Proofs, new()
    {
        ["Group"] = [],
        ["Crypto"] = ["Group"],
        ["Transcripts"] = ["Group", "Crypto"],
        ["RangeProofs"] = ["Group", "Crypto", "Transcripts"],
        ["Encoding"] = [],
        ["Receipts"] = ["Group", "Crypto", "RangeProofs", "Encoding"],
        ["Merkle"] = [],
        ["Ledger"] = ["Group", "Crypto", "Encoding", "Receipts", "Merkle"],
        // The top of the house: evidence out of everything below.
        ["Claims"] = ["Group", "Crypto", "Transcripts", "RangeProofs", "Encoding", "Receipts", "Merkle", "Ledger"],
    });

    // Sharing and Using stand above Sessions and never see each other; Sessions sees neither. Hosting, thin and last, sees the composing root.
    private static readonly RoomMap s_face = new(Face, new()
    {
        ["Diagnostics"] = ["Sessions", "Discovery"],
        ["Sessions"] = ["Diagnostics"],
        ["Sealing"] = ["Diagnostics"],
        ["Claiming"] = [],
        // Compares ledgers with those of the sessions, and has lost blocks of its own taken back.
        ["Counterparties"] = ["Sessions", "Sealing", "Diagnostics"],
        // Below the market: it knows peers and where they are, and nothing of what they trade.
        ["Discovery"] = ["Diagnostics"],
        // Topics and their messages. Never sees how peers are found.
        ["Gossip"] = ["Diagnostics"],
        // Where demand meets supply: by gossip and by the DHT, on the terms of sessions.
        ["Market"] = ["Discovery", "Gossip", "Sessions", "Diagnostics"],
        ["Sharing"] = ["Sessions", "Diagnostics"],
        ["Using"] = ["Market", "Sessions", "Diagnostics"],
        ["Hosting"] = ["", "Diagnostics", "Discovery", "Market", "Sessions", "Sharing", "Using"],
    });

    // What is no cipher and has no second implementation to choose: hashing, randomness, fixed-time comparison and clearing, and the errors.
    private static readonly string[] s_cryptoForAll =
    [
        "SHA256", "HMACSHA512", "HKDF", "IncrementalHash", "HashAlgorithmName", "RandomNumberGenerator", "CryptographicOperations", "CryptographicException",
        "AuthenticationTagMismatchException",
    ];

    [Fact]
    public void Transport_ItsRooms_UseOnlyWhatTheyMay() => Assert.Empty(s_transport.FindViolations(Transport, Uses(Transport)));

    [Fact]
    public void Proofs_ItsRooms_UseOnlyWhatTheyMay() => Assert.Empty(s_proofs.FindViolations(Proofs, Uses(Proofs)));

    [Fact]
    public void Overlay_ItsRooms_UseOnlyWhatTheyMay() => Assert.Empty(s_face.FindViolations(Face, Uses(Face)));

    [Theory]
    [InlineData(Transport, new[] { Proofs, Face })]
    [InlineData(Proofs, new[] { Transport, Face })]
    public void Assembly_BelowTheFace_KnowsNeitherItsSiblingNorTheFace(string assembly, string[] forbidden) =>
        Assert.Empty(Find(assembly, use => forbidden.Contains(use.UsedAssembly)));

    [Fact]
    public void Proofs_NoSocketsNoLoggerNoContainer() =>
        Assert.Empty(Find(Proofs, use => IsWithin(use.UsedNamespace, "System.Net") || IsWithin(use.UsedNamespace, "Microsoft.Extensions")));

    [Theory]
    [InlineData(Transport)]
    [InlineData(Proofs)]
    [InlineData(Face)]
    public void Ciphers_OutsideCryptoFolders_AreNotNamed(string assembly) =>
        Assert.Empty(Find(assembly, use => IsCipher(use) && !use.Namespace.Split('.').Contains("Crypto")));

    [Theory]
    [InlineData("DnsClient", "Overlay.Discovery.Bootstrap")]
    [InlineData("MessagePack", "Overlay.Proofs.Encoding")]
    [InlineData("Microsoft.Data.Sqlite", "Overlay.Proofs.Ledger", "Overlay.Discovery.Addresses")]
    [InlineData("SimpleBase", "Overlay.Transport.Identity")]
    public void Package_WithRoomsOfItsOwn_IsNamedOnlyThere(string package, params string[] rooms) =>
        Assert.All([Transport, Proofs, Face], assembly =>
            Assert.Empty(Find(assembly, use => IsWithin(use.UsedNamespace, package) && !rooms.Any(room => IsWithin(use.Namespace, room)))));

    [Theory]
    [InlineData(Transport)]
    [InlineData(Proofs)]
    [InlineData(Face)]
    public void Internals_AreOpenOnlyToTestsAndBenchmarks(string assembly)
    {
        string[] allowed = [$"{assembly}.Tests", "Overlay.Conformance.Tests", "Overlay.TestKit", "Overlay.Fuzzing", "Overlay.Benchmarks", "Overlay.Simulation.Tests"];

        Assert.Empty(FriendsOf(assembly).Except(allowed));
    }

    [Theory]
    [InlineData("Transport", Transport)]
    [InlineData("Proofs", Proofs)]
    [InlineData("Overlay", Face)]
    public void Namespaces_FollowTheFolders(string project, string rootNamespace)
    {
        string folder = Path.Combine(Repository.Root, "src", project);

        foreach (string file in SourceTree.Files(folder, "*.cs"))
        {
            string? inside = Path.GetDirectoryName(Path.GetRelativePath(folder, file));
            string expected = string.IsNullOrEmpty(inside) ? rootNamespace : $"{rootNamespace}.{inside.Replace(Path.DirectorySeparatorChar, '.')}";
            string? declared = File.ReadLines(file).FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal));
            if (declared is not null) Assert.True(declared == $"namespace {expected};", $"{file} declares '{declared}', its folder says {expected}.");
        }
    }

    [Fact]
    public void FindViolations_WrongArrowsOfEveryKind_FindsThemAllAndNoOther()
    {
        const string Assembly = "Overlay.Packaging.Tests";
        var map = new RoomMap("Overlay.Packaging.Tests.Wrong", new() { ["Left"] = [], ["Right"] = [] });

        IReadOnlyList<string> found = map.FindViolations(Assembly, Uses(Assembly));

        string[] guilty = [.. found.Select(violation => violation.Split(' ')[0].Split('.')[^1]).Distinct()];
        string[] expected =
        [
            "ThroughAsyncMethod", "ThroughAttribute", "ThroughBaseType", "ThroughCatch", "ThroughComposer", "ThroughConstraint`1", "ThroughField",
            "ThroughGenericMethod", "ThroughInterface", "ThroughLambda", "ThroughMethodBody", "ThroughNestedType", "ThroughParameter", "ThroughSwitchTable",
            "ThroughTypeOf",
        ];
        Assert.Equal(expected, guilty.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void FindViolations_RoomThatIsNotOnTheMap_IsOneToo()
    {
        var map = new RoomMap("Overlay.Packaging.Tests.Wrong", new() { ["Left"] = [] });

        Assert.Contains(map.FindViolations("Overlay.Packaging.Tests", Uses("Overlay.Packaging.Tests")), v => v.Contains("Right is not on the map", StringComparison.Ordinal));
    }

    private static IReadOnlySet<TypeUse> Uses(string assembly) => TypeUseReader.Read(PathOf(assembly));

    private static List<string> Find(string assembly, Func<TypeUse, bool> isWrong) => [.. Uses(assembly).Where(isWrong).Select(use => use.ToString())];

    private static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly + ".dll");

    private static bool IsCipher(TypeUse use) =>
        IsWithin(use.UsedNamespace, "Org.BouncyCastle")
        || (IsWithin(use.UsedNamespace, "System.Security.Cryptography") && !s_cryptoForAll.Contains(use.UsedType));

    private static bool IsWithin(string space, string root) => space == root || space.StartsWith(root + '.', StringComparison.Ordinal);

    private static List<string> FriendsOf(string assembly)
    {
        using var image = new PEReader(File.OpenRead(PathOf(assembly)));
        MetadataReader metadata = image.GetMetadataReader();
        List<string> friends = [];
        foreach (CustomAttributeHandle handle in metadata.GetAssemblyDefinition().GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind != HandleKind.MemberReference) continue;
            EntityHandle type = metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;
            if (metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)type).Name) != "InternalsVisibleToAttribute") continue;
            // ECMA-335 II.23.3: a two-byte prolog, then the constructor's string.
            BlobReader value = metadata.GetBlobReader(attribute.Value);
            value.Offset = 2;
            friends.Add(value.ReadSerializedString()!);
        }

        Assert.NotEmpty(friends);
        return friends;
    }
}
