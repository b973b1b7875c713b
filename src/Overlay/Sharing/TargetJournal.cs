using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Sessions;

namespace Overlay.Sharing;

/// <summary>The last refusals in memory and, where the owner wants it, targets as JSON lines in the data folder, in two files of bounded size. It never
/// leaves the host.</summary>
/// <remarks>Safe on several threads. One loop, its own and awaited when it is disposed of, writes; what comes faster than the disk takes it is counted and
/// left out.</remarks>
internal sealed class TargetJournal : IAsyncDisposable
{
    internal const string FileName = "targets.log", OlderFileName = "targets.1.log";

    internal const int MaxRecent = 256, MaxQueued = 1024;

    private const int MaxHostLength = 255;

    private readonly Lock _lock = new();
    private readonly Queue<TargetRefusal> _recent = new(MaxRecent);
    private readonly TargetLogging _logging;
    private readonly string? _folder;
    private readonly long _maxSize;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<(TargetRefusal Target, bool IsRefused, int LeftOut)> _queue =
        Channel.CreateBounded<(TargetRefusal, bool, int)>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly Task _writing;
    private int _leftOut;

    /// <param name="logging">What is written.</param>
    /// <param name="folder">Where; null for nowhere.</param>
    /// <param name="maxSize">How large a file may become before the next one begins; two are kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble with the files is told.</param>
    internal TargetJournal(TargetLogging logging, string? folder, ByteSize maxSize, TimeProvider time, ILogger logger)
    {
        _logging = folder is null ? TargetLogging.None : logging;
        _folder = folder;
        _maxSize = (long)maxSize.Bytes;
        _time = time;
        _logger = logger;
        _writing = _logging == TargetLogging.None ? Task.CompletedTask : Task.Run(WriteAsync);
    }

    /// <summary>The last refusals, oldest first.</summary>
    internal IReadOnlyList<TargetRefusal> Recent
    {
        get
        {
            lock (_lock) return [.. _recent];
        }
    }

    internal void Refused(PublicKey consumer, string host, int port, ConnectRefusedException refused)
    {
        var refusal = new TargetRefusal(_time.GetUtcNow(), consumer, Cut(host), port, refused.Code, refused.Message);
        lock (_lock)
        {
            if (_recent.Count == MaxRecent) _recent.Dequeue();
            _recent.Enqueue(refusal);
        }

        if (_logging != TargetLogging.None) Write(refusal, true);
    }

    /// <summary>How many lines the next one has to stand for besides itself.</summary>
    internal int LeftOut => Volatile.Read(ref _leftOut);

    /// <summary>Counts a refusal that says nothing new; the next line tells how many.</summary>
    internal void LeaveOut() => Interlocked.Increment(ref _leftOut);

    internal void Reached(PublicKey consumer, string host, int port)
    {
        if (_logging == TargetLogging.All) Write(new TargetRefusal(_time.GetUtcNow(), consumer, Cut(host), port, ConnectCode.Succeeded, ""), false);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
    }

    private void Write(TargetRefusal target, bool isRefused)
    {
        int leftOut = Interlocked.Exchange(ref _leftOut, 0);
        if (!_queue.Writer.TryWrite((target, isRefused, leftOut))) Interlocked.Add(ref _leftOut, leftOut + 1);
    }

    private async Task WriteAsync()
    {
        string path = Path.Combine(_folder!, FileName);
        var line = new ArrayBufferWriter<byte>(512);
        FileStream? file = null;
        bool isFailing = false;
        try
        {
            await foreach ((TargetRefusal target, bool isRefused, int leftOut) in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                line.Clear();
                Encode(line, target, isRefused, leftOut);
                try
                {
                    file ??= OwnerFiles.Create(path, FileMode.Append);
                    // What the owner has led to a pipe has no end to watch.
                    if (file.CanSeek && file.Length > 0 && file.Length + line.WrittenCount > _maxSize)
                    {
                        await file.DisposeAsync().ConfigureAwait(false);
                        file = null;
                        File.Move(path, Path.Combine(_folder!, OlderFileName), overwrite: true);
                        file = OwnerFiles.Create(path, FileMode.Append);
                    }

                    await file.WriteAsync(line.WrittenMemory).ConfigureAwait(false);
                    isFailing = false;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // A full disk must not keep the exit from refusing; the lines are lost, and the log says so once.
                    Interlocked.Add(ref _leftOut, leftOut + 1);
                    if (!isFailing) SharingLog.JournalFailed(_logger, e.Message);
                    isFailing = true;
                }
            }
        }
        finally
        {
            if (file is not null) await file.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void Encode(ArrayBufferWriter<byte> line, TargetRefusal target, bool isRefused, int leftOut)
    {
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("at"u8, target.At);
            json.WriteString("event"u8, isRefused ? "refused"u8 : "reached"u8);
            json.WriteString("consumer"u8, target.Consumer.ToString());
            json.WriteString("host"u8, target.Host);
            json.WriteNumber("port"u8, target.Port);
            if (isRefused)
            {
                json.WriteNumber("code"u8, (int)target.Code);
                json.WriteString("reason"u8, target.Reason);
            }

            if (leftOut > 0) json.WriteNumber("leftOut"u8, leftOut);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
    }

    private static string Cut(string host) => host.Length <= MaxHostLength ? host : host[..MaxHostLength];
}
