using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Overlay.Sharing.Limits;

/// <summary>The kernel's counters of the interfaces with a default route: those are the line. Others may carry the same bytes once more, such as a bridge or
/// the inside of a tunnel.</summary>
/// <remarks>The routes are looked up again every few seconds. In between a reading is two system calls for each interface and allocates nothing. One reader
/// at a time.</remarks>
internal sealed class LinuxLineCounters(TimeProvider time, string root = "/") : ILineCounters
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Interface> _interfaces = [];
    private long _refreshed;
    private bool _isFresh;
    private ulong _sent;
    private ulong _received;

    public (ulong Sent, ulong Received)? Read()
    {
        if (!_isFresh || time.GetElapsedTime(_refreshed) >= s_refresh) Refresh();
        foreach (Interface one in _interfaces.Values) one.Add(ref _sent, ref _received);
        return _interfaces.Count > 0 ? (_sent, _received) : null;
    }

    public void Dispose()
    {
        foreach (Interface one in _interfaces.Values) one.Dispose();
        _interfaces.Clear();
    }

    private void Refresh()
    {
        _refreshed = time.GetTimestamp();
        _isFresh = true;
        HashSet<string> names = [.. DefaultRoutes()];
        foreach (string gone in _interfaces.Keys.Except(names).ToList())
        {
            _interfaces[gone].Dispose();
            _interfaces.Remove(gone);
        }

        foreach (string name in names)
        {
            string folder = Path.Combine(root, "sys/class/net", name, "statistics");
            if (!_interfaces.ContainsKey(name) && Interface.TryOpen(folder) is { } opened) _interfaces.Add(name, opened);
        }
    }

    private IEnumerable<string> DefaultRoutes()
    {
        // proc(5): interface and destination first; for IPv6 the destination and its prefix length first and the interface last.
        foreach (string[] fields in Lines("proc/net/route"))
            if (fields.Length > 7 && fields[1] == "00000000" && fields[7] == "00000000") yield return fields[0];
        foreach (string[] fields in Lines("proc/net/ipv6_route"))
            if (fields.Length > 9 && fields[1] == "00" && fields[0].All(digit => digit == '0') && fields[9] != "lo") yield return fields[9];
    }

    private IEnumerable<string[]> Lines(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(Path.Combine(root, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        return lines.Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private sealed class Interface : IDisposable
    {
        private readonly SafeFileHandle _sentFile, _receivedFile;
        private ulong _sent, _received;

        private Interface(SafeFileHandle sentFile, SafeFileHandle receivedFile)
        {
            _sentFile = sentFile;
            _receivedFile = receivedFile;
            // What was carried before is nobody's news.
            (_sent, _received) = (Number(_sentFile) ?? 0, Number(_receivedFile) ?? 0);
        }

        internal static Interface? TryOpen(string folder)
        {
            SafeFileHandle? sent = null;
            try
            {
                sent = File.OpenHandle(Path.Combine(folder, "tx_bytes"));
                return new Interface(sent, File.OpenHandle(Path.Combine(folder, "rx_bytes")));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                sent?.Dispose();
                return null;
            }
        }

        internal void Add(ref ulong sent, ref ulong received)
        {
            // An interface that has gone, or was made anew, counts nothing until it counts again.
            if (Number(_sentFile) is not { } nowSent || Number(_receivedFile) is not { } nowReceived) return;
            if (nowSent >= _sent) sent += nowSent - _sent;
            if (nowReceived >= _received) received += nowReceived - _received;
            (_sent, _received) = (nowSent, nowReceived);
        }

        public void Dispose()
        {
            _sentFile.Dispose();
            _receivedFile.Dispose();
        }

        private static ulong? Number(SafeFileHandle file)
        {
            Span<byte> digits = stackalloc byte[32];
            try
            {
                int count = RandomAccess.Read(file, digits, 0);
                return Utf8Parser.TryParse(digits[..count], out ulong value, out _) ? value : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }
}
