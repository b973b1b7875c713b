using System.Buffers;
using System.IO.Pipelines;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>A stream of identify messages, each with its length before it, merged one after the other.</summary>
internal sealed class IdentifyTarget : FuzzTarget
{
    private static readonly IdentifyOptions s_options = new();
    private static readonly PeerInfo s_nothing = new() { PeerId = FuzzKeys.Peer.PeerId };

    internal override string Name => "identify";

    internal override int MaxSize => 4096;

    // Several messages, a signature among them, and an exception in the end.
    internal override int FixedAllocation => 32 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            Multiaddr[] addresses = [.. MultiaddrSamples.Texts.Take(5).Select(Multiaddr.Parse)];
            PeerInfo info = s_nothing with
            {
                AgentVersion = "overlay/1.0.0",
                ProtocolVersion = "ipfs/0.1.0",
                ListenAddresses = addresses,
                Protocols = ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/overlay/session/1"],
                ObservedAddress = addresses[1],
            };
            byte[] plain = IdentifyCodec.Encode(info, FuzzKeys.Peer.PublicKey);
            byte[] signed = IdentifyCodec.Encode(info with { SignedPeerRecord = SignedPeerRecord.Create(FuzzKeys.Peer, addresses, 3) }, FuzzKeys.Peer.PublicKey);
            return [plain, signed, [.. plain, .. signed], IdentifyCodec.Encode(s_nothing, FuzzKeys.Peer.PublicKey)];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        PipeReader stream = PipeReader.Create(new ReadOnlySequence<byte>(input.ToArray()));
        PeerInfo? info = null;
        meter.Start();
        try
        {
            PeerInfo merged = s_nothing;
            int count = 0;
            for (; ReadOne(stream) is { } message; count++) merged = IdentifyCodec.Merge(merged, message, s_options);
            if (count > 0) info = merged;
        }
        catch (ConnectionException refused)
        {
            meter.Stop();
            Invariant.Same(Fault.Peer, refused.Fault, "What a peer sends is the peer's fault");
            return false;
        }

        meter.Stop();
        if (info is null) return false;
        Check(info);
        return true;
    }

    // Over bytes that are all there the reader never waits.
    private static byte[]? ReadOne(PipeReader stream) =>
        Invariant.Completed(LengthPrefixed.ReadAsync(stream, s_options.MaxMessageSize, CancellationToken.None), "A message is read without waiting.");

    private static void Check(PeerInfo info)
    {
        Invariant.Holds(info.Protocols.Count <= s_options.MaxProtocolCount && info.ListenAddresses.Count <= s_options.MaxAddressCount, "What is kept of a peer keeps to the limits.");
        Invariant.Holds(info.Protocols.All(protocol => protocol.Length is > 0 and <= IdentifyCodec.MaxProtocolSize), "Protocols have names of an allowed length.");
        Invariant.Holds(info.AgentVersion.Length <= 256 && info.ProtocolVersion.Length <= 256, "Versions are short.");
        byte[] framed = IdentifyCodec.Encode(info, FuzzKeys.Peer.PublicKey);
        Invariant.Same(VarintStatus.Done, Varint.TryRead(framed, out ulong size, out int prefixSize), "A message begins with its length");
        Invariant.Same((ulong)(framed.Length - prefixSize), size, "A message's length is its own");
        PeerInfo again = IdentifyCodec.Merge(s_nothing, framed.AsSpan(prefixSize), s_options);
        Invariant.Holds(
            again.Protocols.SequenceEqual(info.Protocols) && again.ListenAddresses.SequenceEqual(info.ListenAddresses) && again.ObservedAddress == info.ObservedAddress
            && again.AgentVersion == info.AgentVersion && again.ProtocolVersion == info.ProtocolVersion
            && again.SignedPeerRecord.Span.SequenceEqual(info.SignedPeerRecord.Span),
            "What is kept of a peer says the same when it is told on.");
    }
}
