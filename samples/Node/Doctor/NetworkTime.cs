using System.Buffers.Binary;
using System.Net.Sockets;

namespace Overlay.Node.Doctor;

/// <summary>Asks a time server once how far this clock is off (SNTP, RFC 4330).</summary>
internal static class NetworkTime
{
    private const int Port = 123, PacketSize = 48, ClientOfVersion4 = 0x23, ModeMask = 7, ServerMode = 4, TransmitAt = 40, ReceiveAt = 32, OriginateAt = 24;

    // Seconds from 1900 to 1970 (RFC 868).
    private const long UnixEpoch = 2_208_988_800;

    /// <summary>What must be added to this clock; null when the server does not answer within the time.</summary>
    internal static async Task<TimeSpan?> AskAsync(string server, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var socket = new UdpClient();
            socket.Connect(server, Port);
            byte[] question = new byte[PacketSize];
            question[0] = ClientOfVersion4;
            DateTimeOffset asked = time.GetUtcNow();
            Write(question.AsSpan(TransmitAt), asked);
            await socket.SendAsync(question, either.Token);
            UdpReceiveResult answer = await socket.ReceiveAsync(either.Token);
            return Read(question, answer.Buffer, asked, time.GetUtcNow());
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>The offset that an answer tells of; null for what is no answer to the question.</summary>
    internal static TimeSpan? Read(ReadOnlySpan<byte> question, ReadOnlySpan<byte> answer, DateTimeOffset asked, DateTimeOffset answered)
    {
        // A stratum of 0 is a server's way to say no.
        if (answer.Length < PacketSize || (answer[0] & ModeMask) != ServerMode || answer[1] == 0) return null;
        if (!answer.Slice(OriginateAt, 8).SequenceEqual(question.Slice(TransmitAt, 8))) return null;
        DateTimeOffset received = At(answer[ReceiveAt..]), sent = At(answer[TransmitAt..]);
        return ((received - asked) + (sent - answered)) / 2;
    }

    internal static void Write(Span<byte> place, DateTimeOffset at)
    {
        long ticks = at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        BinaryPrimitives.WriteUInt32BigEndian(place, unchecked((uint)((ticks / TimeSpan.TicksPerSecond) + UnixEpoch)));
        BinaryPrimitives.WriteUInt32BigEndian(place[4..], (uint)(((ulong)(ticks % TimeSpan.TicksPerSecond) << 32) / TimeSpan.TicksPerSecond));
    }

    private static DateTimeOffset At(ReadOnlySpan<byte> place)
    {
        long seconds = BinaryPrimitives.ReadUInt32BigEndian(place);
        // The count of seconds begins anew in 2036: a small one is of the next era.
        if ((seconds & 0x8000_0000) == 0) seconds += 1L << 32;
        long ticks = (long)(((ulong)BinaryPrimitives.ReadUInt32BigEndian(place[4..]) * TimeSpan.TicksPerSecond) >> 32);
        return DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(((seconds - UnixEpoch) * TimeSpan.TicksPerSecond) + ticks);
    }
}
