using Overlay.Fuzzing.Engine;
using Overlay.Fuzzing.Targets;

namespace Overlay.Fuzzing;

/// <summary>Every target there is.</summary>
internal static class FuzzTargets
{
    internal static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new VarintTarget(),
        new PeerIdBytesTarget(),
        new PeerIdTextTarget(),
        new PublicKeyTarget(),
        new IdentityFileTarget(),
        new MultiaddrBytesTarget(),
        new MultiaddrTextTarget(),
        new SignedPeerRecordTarget(),
        new DnsMessageTarget(),
        new KademliaMessageTarget(),
        new IdentifyTarget(),
        new MultistreamLinesTarget(),
        new MultistreamDialerTarget(),
        new MultistreamListenerTarget(),
        new NoiseHandshakeTarget(),
        new NoisePayloadTarget(),
        new NoiseTransportTarget(),
        new YamuxFramesTarget(),
        new YamuxSessionTarget(),
        new Socks5Target(),
        new HttpRequestTarget(),
        new HttpResponseTarget(),
        new HttpChunkedTarget(),
        new TargetHostTarget(),
        new MessageFramesTarget(),
        new SessionMessageTarget(),
        new OfferTarget(),
        new OpenTarget(),
        new ConnectTarget(),
        new ReceiptTarget(),
        new LedgerRowTarget(),
        new BlockTarget(),
        new ClaimTarget(),
        new LedgerExchangeTarget(),
        new AttestationTarget(),
        new GossipRpcTarget(),
        new ConsentTarget(),
        new LimitsTarget(),
        new CanonicalReaderTarget(),
    ];

    internal static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
