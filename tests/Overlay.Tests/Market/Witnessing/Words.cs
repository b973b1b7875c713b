using System.Security.Cryptography;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

/// <summary>Attestations and peers for tests.</summary>
internal static class Words
{
    internal const ulong Epoch = 500_000;

    internal static DateTimeOffset Now { get; } = DateTimeOffset.FromUnixTimeSeconds((long)Epoch * 3600 + 60);

    internal static SeedSigner Provider { get; } = new(1);

    internal static PeerId PeerOf(int number) => WitnessDuty.PeerOf(new SeedSigner(number).PublicKey);

    internal static PeerIdentity IdentityOf(int number) => PeerIdentity.FromSeed(SHA256.HashData(BitConverter.GetBytes(number)));

    internal static Attestation Make(
        int witness, ulong epoch = Epoch, bool reachable = true, uint rtt = 20, uint down = 100, uint up = 50, string prefix = "198.51.100.0/24",
            PublicKey? provider = null, uint second = 60)
    {
        var signer = new SeedSigner(witness);
        return Attestation.Sign(
            new AttestationBody
            {
                Witness = signer.PublicKey,
                Provider = provider ?? Provider.PublicKey,
                Epoch = epoch,
                Reachable = reachable,
                RttMillis = rtt,
                MbpsDown = down,
                MbpsUp = up,
                ExitAddressPrefix = prefix,
                ObservedAt = epoch * 3600 + second,
            },
            signer);
    }
}
