using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

/// <summary>Records what would have been dialled. By default every dial is answered by a real loopback connection.</summary>
internal sealed class RecordingDialer : IAddressDialer
{
    public ConcurrentQueue<IPEndPoint> Dialled { get; } = new();

    public ConcurrentQueue<Socket> Handed { get; } = new();

    public Func<IPEndPoint, CancellationToken, Task<Socket>>? Answer { get; init; }

    public async ValueTask<Socket> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        Dialled.Enqueue(target);
        Socket socket = await (Answer?.Invoke(target, cancellationToken) ?? Loopback(cancellationToken));
        Handed.Enqueue(socket);
        return socket;
    }

    public static async Task<Socket> Loopback(CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        return socket;
    }

    public static async Task<Socket> Never(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException();
    }
}

/// <summary>Answers with what it was given, one list after the other; the last one stays.</summary>
internal sealed class ScriptedResolver(params string[][] answers) : INameResolver
{
    public ConcurrentQueue<string> Asked { get; } = new();

    public Func<string, CancellationToken, Task<IPAddress[]>>? Answer { get; init; }

    public Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        int index = Math.Min(Asked.Count, answers.Length - 1);
        Asked.Enqueue(name);
        return Answer?.Invoke(name, cancellationToken) ?? Task.FromResult(answers[index].Select(IPAddress.Parse).ToArray());
    }
}

internal sealed class FixedAddresses(params string[] addresses) : IHostAddresses
{
    public IReadOnlySet<IPAddress> Current { get; } = addresses.Select(IPAddress.Parse).ToHashSet();
}

internal static class Exits
{
    /// <summary>For a consumer that is the only one.</summary>
    public static ValueTask<ExitConnection> ConnectAsync(this Exit exit, string host, int port, CancellationToken cancellationToken) =>
        exit.ConnectAsync(new PublicKey(new byte[PublicKey.Size]), host, port, cancellationToken);

    public static Exit Create(
        IAddressDialer dialer, INameResolver? resolver = null, ExitOptions? options = null, TimeProvider? time = null, IHostAddresses? own = null) =>
        new(options ?? new ExitOptions(), resolver ?? new ScriptedResolver(["93.184.215.14"]), dialer, own ?? new FixedAddresses(), time ?? new FakeTimeProvider(), NullLogger.Instance);
}
