using Overlay.Fuzzing.Engine;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Encoding;

namespace Overlay.Fuzzing.Targets;

/// <summary>Handing over attestations, asking for them, and the answers, with any content, signed well.</summary>
/// <remarks>Input: a byte for the kind, then a request (0), an answer about the sample's provider (1), or the body of an attestation to be signed and handed
/// over (2) or answered with (3).</remarks>
internal sealed class AttestationTarget : FuzzTarget
{
    internal override string Name => "attestation";

    // A curve's arithmetic, for as many signatures as fit into the input.
    internal override int FixedAllocation => 32 * 1024;

    private static PublicKey Provider { get; } = FuzzKeys.OwnSigner.PublicKey;

    private static Attestation Sample { get; } = Attestation.Sign(
        new AttestationBody
        {
            Witness = FuzzKeys.PeerSigner.PublicKey,
            Provider = Provider,
            Epoch = 500_000,
            Reachable = true,
            RttMillis = 23,
            MbpsDown = 500,
            MbpsUp = 40,
            ExitAddressPrefix = "198.51.100.0/24",
            ObservedAt = 1_800_000_060,
        },
        FuzzKeys.PeerSigner);

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, .. new AttestationRequest.Push(Sample).Encode()], [0, .. new AttestationRequest.Ask(Provider, 499_977).Encode()],
        [1, .. AttestationAnswer.Encode([Sample])], [1, .. AttestationAnswer.Encode([])], [2, .. Sample.Body.Encode()], [3, .. Sample.Body.Encode()],
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        switch (parts.TakeByte())
        {
            case 0:
                return RunRequest(parts.Rest, meter);
            case 1:
                return RunAnswer(parts.Rest, meter);
            case 2:
                return RunRequest(new CanonicalWriter(3).Write(1).Write(1).Write(Signed(parts.Rest)).ToArray(), meter);
            default:
                byte[] word = Signed(parts.Rest);
                return RunAnswer(new CanonicalWriter(2).Write(1).WriteArray(1, list => list.Write(word)).ToArray(), meter);
        }
    }

    private static bool RunRequest(ReadOnlySpan<byte> encoded, AllocationMeter meter)
    {
        meter.Start();
        AttestationRequest? request = AttestationRequest.Decode(encoded);
        meter.Stop();
        if (request is null) return false;
        Invariant.Same(encoded, request.Encode(), "A request has one encoding");
        if (request is AttestationRequest.Push push) Check(push.Attestation);
        return true;
    }

    private static bool RunAnswer(ReadOnlySpan<byte> encoded, AllocationMeter meter)
    {
        meter.Start();
        IReadOnlyList<Attestation>? words = AttestationAnswer.Decode(encoded, Provider);
        AttestedFigures? figures = words is null ? null : AttestationAsking.FiguresOf(words, 500_000, 24);
        meter.Stop();
        if (words is null) return false;
        Invariant.Same(encoded, AttestationAnswer.Encode(words), "An answer has one encoding");
        Invariant.Holds(words.All(word => word.Body.Provider == Provider && word.Body.Witness != Provider),
            "Attestations are others', of the provider who was asked about.");
        Invariant.Holds(figures is null || (figures.Uptime is >= 0 and <= 1 && figures.WitnessCount <= words.Count), "Figures keep to what they are made of.");
        foreach (Attestation word in words) Check(word);
        return true;
    }

    private static void Check(Attestation word)
    {
        if (WitnessDuty.TryReadPrefix(word.Body.ExitAddressPrefix, out System.Net.IPAddress first))
            Invariant.Same(word.Body.ExitAddressPrefix, WitnessDuty.PrefixOf(first), "A prefix has one form");
    }

    private static byte[] Signed(ReadOnlySpan<byte> body)
    {
        byte[] signature = new byte[64];
        FuzzKeys.PeerSigner.Sign([.. "overlay/attestation/1\0"u8, .. body], signature);
        return new CanonicalWriter(2).Write(body).Write(signature).ToArray();
    }
}
