using Overlay;
using Overlay.Transport.Connections;

namespace Embedding;

/// <summary>A protocol of one's own, on the same connections: one node answers with what another sends.</summary>
internal static class Echo
{
    internal static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var answering = await OverlayNode.StartAsync(new OverlayOptions { Listen = ["/ip4/127.0.0.1/tcp/0"] }, cancellationToken: cancellationToken);
        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions(), cancellationToken: cancellationToken);

        #region protocol
        using IDisposable handling = answering.Protocols.Handle("/echo/1.0.0", (stream, cancelled) => stream.Input.CopyToAsync(stream.Output, cancelled));

        await overlay.Peers.ConnectAsync(answering.Addresses[0], cancellationToken);
        await using PeerStream stream = await overlay.OpenStreamAsync(answering.PeerId, "/echo/1.0.0", cancellationToken);
        await stream.Output.WriteAsync("hello"u8.ToArray(), cancellationToken);
        await stream.Output.CompleteAsync();
        #endregion

        using var answer = new StreamReader(stream.Input.AsStream());
        Console.WriteLine(await answer.ReadToEndAsync(cancellationToken));
    }
}
