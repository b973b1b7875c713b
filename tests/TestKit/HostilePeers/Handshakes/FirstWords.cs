using System.Text;
using Overlay.Transport.Connections;

namespace Overlay.TestKit.HostilePeers.Handshakes;

/// <summary>First words that no peer should say: sent, and the host's answer waited for.</summary>
public abstract class FirstWords : Misbehaviour
{
    /// <inheritdoc/>
    public override async Task RunOnceAsync(HostileTarget target, Stage stage, CancellationToken cancellationToken)
    {
        await using RawLine line = await target.DialAsync(cancellationToken);
        try
        {
            await SayAsync(line, cancellationToken);
            // Words that end in the middle of a line would be waited for until the deadline.
            await line.CompleteAsync();
        }
        catch (ConnectionException)
        {
            // It has heard enough.
        }

        stage.Reached();
        await line.ReadToEndAsync(cancellationToken);
    }

    /// <summary>Says them.</summary>
    protected abstract Task SayAsync(RawLine line, CancellationToken cancellationToken);
}

/// <summary>Speaks another protocol: HTTP, TLS, SSH, SMTP, zeros, noise.</summary>
public sealed class ForeignProtocol : FirstWords
{
    private static readonly byte[][] s_greetings =
    [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(),
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, .. new byte[500]],
        "SSH-2.0-OpenSSH_9.9\r\n"u8.ToArray(),
        "EHLO localhost\r\n"u8.ToArray(),
        new byte[4096],
        [.. Enumerable.Repeat((byte)0xFF, 4096)],
    ];

    private int _next = -1;

    /// <summary>How many greetings it knows; each round uses the next one.</summary>
    public static int GreetingCount => s_greetings.Length;

    /// <inheritdoc/>
    public override string Does => "greets in HTTP, TLS, SSH, SMTP, zeros and ones";

    /// <inheritdoc/>
    protected override Task SayAsync(RawLine line, CancellationToken cancellationToken) =>
        line.SendAsync(s_greetings[Interlocked.Increment(ref _next) % s_greetings.Length], cancellationToken).AsTask();
}

/// <summary>Sends a line of multistream-select whose length never ends.</summary>
public sealed class EndlessLengthPrefix : FirstWords
{
    /// <inheritdoc/>
    public override string Does => "begins a multistream line whose varint length never ends";

    /// <inheritdoc/>
    protected override Task SayAsync(RawLine line, CancellationToken cancellationToken) =>
        line.FloodAsync(Enumerable.Repeat((byte)0x80, 1024).ToArray(), cancellationToken);
}

/// <summary>Announces a line far beyond the limit and sends it without end.</summary>
public sealed class OversizeLine : FirstWords
{
    /// <inheritdoc/>
    public override string Does => "announces a multistream line of 16 KiB and sends text without a newline";

    /// <inheritdoc/>
    protected override async Task SayAsync(RawLine line, CancellationToken cancellationToken)
    {
        await line.SendAsync((byte[])[.. RawLine.Line(RawLine.MultistreamHeader), 0xFF, 0x7F], cancellationToken);
        await line.FloodAsync(Encoding.ASCII.GetBytes(new string('a', 1024)), cancellationToken);
    }
}

/// <summary>Asks for the list of protocols without end.</summary>
public sealed class ListFlood : FirstWords
{
    /// <inheritdoc/>
    public override string Does => "asks 'ls' without end instead of proposing a security protocol";

    /// <inheritdoc/>
    protected override async Task SayAsync(RawLine line, CancellationToken cancellationToken)
    {
        await line.SendAsync(RawLine.Line(RawLine.MultistreamHeader), cancellationToken);
        await line.FloodAsync((byte[])[.. Enumerable.Range(0, 100).SelectMany(static _ => RawLine.Line("ls"))], cancellationToken);
    }
}

/// <summary>Proposes thousands of protocols that nobody speaks.</summary>
public sealed class ProposalFlood : FirstWords
{
    /// <inheritdoc/>
    public override string Does => "proposes thousands of unknown security protocols";

    /// <inheritdoc/>
    protected override async Task SayAsync(RawLine line, CancellationToken cancellationToken)
    {
        await line.SendAsync(RawLine.Line(RawLine.MultistreamHeader), cancellationToken);
        for (int i = 0; i < 10_000; i++) await line.SendAsync(RawLine.Line($"/tls/{i}"), cancellationToken);
    }
}
