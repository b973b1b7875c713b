using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Overlay.Interop.Tests.Harness;

/// <summary>A DNS server on a host of a <see cref="TwoHosts"/> that answers each question as the test says, with a time to live of zero.</summary>
internal sealed class RebindingDns : IAsyncDisposable
{
    private const ushort TypeA = 1, TypeCName = 5, TypeAaaa = 28;

    private readonly Socket _socket;
    private readonly Task _serving;
    private readonly ConcurrentDictionary<string, int> _asked = new();
    private readonly Func<string, int, string[]> _answer;

    /// <param name="host">Where.</param>
    /// <param name="address">At which address, port 53.</param>
    /// <param name="answer">Addresses for a name, given how often it was asked for before; a host name among them becomes an alias of which the addresses
    /// after it are.</param>
    internal RebindingDns(string host, string address, Func<string, int, string[]> answer)
    {
        _answer = answer;
        _socket = HostSockets.Make(host, () =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 53));
            return socket;
        });
        _serving = ServeAsync();
    }

    /// <summary>How often addresses of IPv4 were asked for.</summary>
    internal int Asked(string name) => _asked.GetValueOrDefault(name);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        byte[] buffer = new byte[1500];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
                await _socket.SendToAsync(Answer(buffer.AsSpan(0, got.ReceivedBytes)), SocketFlags.None, got.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    // One question, answered with all that was said for it (RFC 1035, section 4).
    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        (string name, int end) = ReadName(query, 12);
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(query[end..]);
        // Both families are asked for at once: IPv4 counts, and IPv6 gets the answer of the same turn.
        int turn = type == TypeA ? _asked.AddOrUpdate(name, 1, (_, count) => count + 1) - 1 : _asked.GetValueOrDefault(name);
        var records = new MemoryStream();
        int count = 0;
        string owner = name;
        foreach (string text in _answer(name, turn))
        {
            if (!IPAddress.TryParse(text, out IPAddress? address))
            {
                Write(records, owner, TypeCName, Encode(text));
                owner = text;
                count++;
                continue;
            }

            ushort own = address.AddressFamily == AddressFamily.InterNetwork ? TypeA : TypeAaaa;
            if (own != type) continue;
            Write(records, owner, own, address.GetAddressBytes());
            count++;
        }

        byte[] answer = [.. query[..(end + 4)], .. records.ToArray()];
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), 0x8580); // an authoritative answer without error
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), (ushort)count);
        answer.AsSpan(8, 4).Clear();
        return answer;
    }

    private static void Write(MemoryStream records, string owner, ushort type, byte[] data)
    {
        records.Write(Encode(owner));
        records.Write([(byte)(type >> 8), (byte)type, 0, 1, 0, 0, 0, 0, (byte)(data.Length >> 8), (byte)data.Length]);
        records.Write(data);
    }

    private static byte[] Encode(string name) =>
        [.. name.Split('.').SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0];

    private static (string Name, int End) ReadName(ReadOnlySpan<byte> message, int at)
    {
        var labels = new List<string>();
        while (message[at] != 0)
        {
            labels.Add(Encoding.ASCII.GetString(message.Slice(at + 1, message[at])));
            at += message[at] + 1;
        }

        return (string.Join('.', labels).ToLowerInvariant(), at + 1);
    }
}
