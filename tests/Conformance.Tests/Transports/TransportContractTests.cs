using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Memory;
using Overlay.Transport.Tcp;

namespace Overlay.Conformance.Tests.Transports;

public sealed class TcpTransportContractTests : ByteTransportContract
{
    protected override IByteTransport Transport { get; } = new TcpTransport();

    protected override Multiaddr AnyAddress => Multiaddr.Parse("/ip4/127.0.0.1/tcp/0");

    protected override Multiaddr ForeignAddress => Multiaddr.Parse("/ip4/127.0.0.1/tcp/80/ws");
}

public sealed class MemoryTransportContractTests : ByteTransportContract
{
    protected override IByteTransport Transport { get; } = new MemoryTransport(new MemoryNetwork());

    protected override Multiaddr AnyAddress => Multiaddr.Parse("/memory/0");

    protected override Multiaddr ForeignAddress => Multiaddr.Parse("/memory/seven");
}

/// <summary>A narrow pipe makes every transfer wait for its reader, many thousands of times.</summary>
public sealed class NarrowMemoryTransportContractTests : ByteTransportContract
{
    protected override IByteTransport Transport { get; } = new MemoryTransport(new MemoryNetwork(), new MemoryTransportOptions { PipeSize = 1021, ListenBacklog = 1 });

    protected override Multiaddr AnyAddress => Multiaddr.Parse("/memory/0");

    protected override Multiaddr ForeignAddress => Multiaddr.Parse("/ip4/127.0.0.1/tcp/80");
}
