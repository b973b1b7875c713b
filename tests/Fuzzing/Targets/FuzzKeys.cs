using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>Keys that are the same in every run, so that an input means the same in every run.</summary>
internal static class FuzzKeys
{
    /// <summary>The node under test.</summary>
    internal static PeerIdentity Own { get; } = PeerIdentity.FromSeed(Seed(1));

    /// <summary>Its peer, for whom the input speaks.</summary>
    internal static PeerIdentity Peer { get; } = PeerIdentity.FromSeed(Seed(2));

    internal static IdentitySigner OwnSigner { get; } = new(Own);

    internal static IdentitySigner PeerSigner { get; } = new(Peer);

    /// <summary>32 bytes that stand for secret number <paramref name="number"/>.</summary>
    internal static byte[] Seed(byte number)
    {
        byte[] seed = new byte[32];
        seed.AsSpan().Fill(number);
        return seed;
    }
}
