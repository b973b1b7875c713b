using System.Text.Json;
using Overlay.Proofs.Group;
using Overlay.TestKit;

namespace Overlay.Conformance.Tests.Proofs;

/// <summary>RFC 9496, appendix A, whole, over every backend that this processor has.</summary>
public sealed class RistrettoVectorTests
{
    public static TheoryData<string> Backends { get; } = [.. CurveBackend.All.Select(backend => backend.Name)];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Rfc9496_AppendixA1_MultiplesOfTheGenerator(string backendName)
    {
        CurveBackend backend = Find(backendName);
        FixedBase generator = backend.PrepareFixedBase(CurveConstants.Basepoint);
        using JsonDocument file = Repository.OpenVectors("ristretto255-rfc9496.json");
        int count = 0;
        foreach (JsonElement vector in file.RootElement.GetProperty("small_multiples_of_generator").EnumerateArray())
        {
            byte[] encoding = Hex(vector, "encoding");
            EdwardsPoint point = backend.Multiply(new Scalar(vector.GetProperty("k").GetUInt64()), generator);
            Assert.Equal(encoding, Encode(backend, point));
            Assert.NotEqual(0UL, backend.DecodeRistretto(encoding, out EdwardsPoint decoded));
            Assert.NotEqual(0UL, backend.AreEqualRistretto(point, decoded));
            count++;
        }

        Assert.Equal(16, count);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Rfc9496_AppendixA2_InvalidEncodings(string backendName)
    {
        using JsonDocument file = Repository.OpenVectors("ristretto255-rfc9496.json");
        JsonElement[] vectors = [.. file.RootElement.GetProperty("invalid_encodings").EnumerateArray()];
        Assert.Equal(29, vectors.Length);
        Assert.All(vectors, vector => Assert.Equal(0UL, Find(backendName).DecodeRistretto(Hex(vector, "encoding"), out _)));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Rfc9496_AppendixA3_OneWayMap(string backendName)
    {
        CurveBackend backend = Find(backendName);
        using JsonDocument file = Repository.OpenVectors("ristretto255-rfc9496.json");
        JsonElement[] vectors = [.. file.RootElement.GetProperty("element_derivation_from_64_bytes").EnumerateArray()];
        Assert.Equal(7, vectors.Length);
        Assert.All(vectors, vector => Assert.Equal(Hex(vector, "encoding"), Encode(backend, backend.MapRistretto(Hex(vector, "input64")))));

        JsonElement same = file.RootElement.GetProperty("element_derivation_same_output");
        foreach (JsonElement input in same.GetProperty("inputs64").EnumerateArray())
            Assert.Equal(Hex(same, "encoding"), Encode(backend, backend.MapRistretto(Convert.FromHexString(input.GetString()!))));
    }

    [Fact]
    public void Rfc9496_AppendixA4_SqrtRatioM1()
    {
        using JsonDocument file = Repository.OpenVectors("ristretto255-rfc9496.json");
        JsonElement[] vectors = [.. file.RootElement.GetProperty("sqrt_ratio_m1").EnumerateArray()];
        Assert.Equal(6, vectors.Length);
        foreach (JsonElement vector in vectors)
        {
            byte[] encoded = new byte[32];
            ulong wasSquare = Field<PortableProduct>.SqrtRatioM1(FieldElement.DecodeModP(Hex(vector, "u")), FieldElement.DecodeModP(Hex(vector, "v")), out FieldElement r);
            r.Encode(encoded);
            Assert.Equal(vector.GetProperty("was_square").GetBoolean(), wasSquare != 0);
            Assert.Equal(Hex(vector, "r"), encoded);
        }
    }

    private static CurveBackend Find(string name) => CurveBackend.All.Single(backend => backend.Name == name);

    private static byte[] Encode(CurveBackend backend, in EdwardsPoint point)
    {
        byte[] bytes = new byte[32];
        backend.EncodeRistretto(point, bytes);
        return bytes;
    }

    private static byte[] Hex(JsonElement vector, string name) => Convert.FromHexString(vector.GetProperty(name).GetString()!);
}
