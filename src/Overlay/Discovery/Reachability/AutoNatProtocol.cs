namespace Overlay.Discovery.Reachability;

/// <summary>Names and numbers of the AutoNAT v2 specification.</summary>
internal static class AutoNatProtocol
{
    internal const string DialRequest = "/libp2p/autonat/2/dial-request";

    internal const string DialBack = "/libp2p/autonat/2/dial-back";

    /// <summary>The least and the most bytes that a server asks for before it dials another host than the asker's ("Amplification Attack
    /// Prevention").</summary>
    internal const int LeastDialData = 30_000, MostDialData = 100_000;

    /// <summary>Most bytes in one message of such data.</summary>
    internal const int MaxDataSize = 4096;
}
