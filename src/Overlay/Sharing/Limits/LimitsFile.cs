using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Overlay.Sharing.Limits;

/// <summary>The owner's limits in the data folder, and beside them what the running node says of itself. Safe on several threads.</summary>
/// <remarks>No socket and no port: who may write the file is the owner, and who may not is kept out by the file system.</remarks>
internal sealed class LimitsFile(string folder)
{
    /// <summary>What the owner wants; written by a host app or a command, read by the node.</summary>
    internal const string FileName = "limits.json";

    /// <summary>What the running node says of itself; gone when it stops.</summary>
    internal const string StateFileName = "sharing-state.json";

    private readonly Lock _lock = new();
    private readonly string _limits = Path.Combine(folder, FileName), _state = Path.Combine(folder, StateFileName);
    private (DateTime Written, long Size) _stamp;

    /// <summary>Whether somebody has written it since it was read. One look at its times.</summary>
    internal bool HasChanged
    {
        get
        {
            lock (_lock) return FilePoll.Look(_limits) != _stamp;
        }
    }

    /// <summary>Reads the limits; null where none were written.</summary>
    /// <exception cref="IOException">They cannot be read, or are none.</exception>
    internal (OwnerLimits Limits, string Revision)? Load()
    {
        lock (_lock)
        {
            _stamp = FilePoll.Look(_limits);
            byte[]? text = OwnerFiles.Find(_limits);
            return text is null ? null : (Parse(_limits, text), LimitsText.RevisionOf(text));
        }
    }

    /// <summary>Writes them, and says which they are.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    internal string Save(OwnerLimits limits)
    {
        byte[] text = LimitsText.Write(limits);
        lock (_lock)
        {
            OwnerFiles.Replace(_limits, text);
            _stamp = FilePoll.Look(_limits);
        }

        return LimitsText.RevisionOf(text);
    }

    /// <summary>Says what the node gives.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal void Tell(SharingState state)
    {
        byte[] text = Write(state);
        lock (_lock) OwnerFiles.Replace(_state, text, isDurable: false);
    }

    /// <summary>The node stops: nothing is said any more. Where that cannot be deleted it stays, as after a crash.</summary>
    internal void Forget()
    {
        lock (_lock) OwnerFiles.TryDelete(_state);
    }

    /// <summary>What the node says, or said before it was killed; null where nothing is.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal SharingState? ReadState()
    {
        byte[]? text = OwnerFiles.Find(_state);
        if (text is null) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement json = document.RootElement;
            return new SharingState
            {
                Condition = Enum.Parse<SharingCondition>(json.GetProperty("condition").GetString() ?? "", ignoreCase: true),
                Until = json.TryGetProperty("until", out JsonElement until) ? until.GetDateTimeOffset() : null,
                Fault = json.TryGetProperty("fault", out JsonElement fault) ? fault.GetString() : null,
                UsedToday = new ByteSize(json.GetProperty("usedToday").GetUInt64()),
                UsedThisMonth = new ByteSize(json.GetProperty("usedThisMonth").GetUInt64()),
                AllowedUpload = json.TryGetProperty("allowedUpload", out JsonElement up) ? new BitRate(up.GetUInt64()) : null,
                AllowedDownload = json.TryGetProperty("allowedDownload", out JsonElement down) ? new BitRate(down.GetUInt64()) : null,
                Share = json.GetProperty("share").GetDouble(),
                Revision = json.GetProperty("revision").GetString() ?? "",
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new IOException($"{_state} is no state of a node.", e);
        }
    }

    internal static OwnerLimits Parse(string path, ReadOnlyMemory<byte> text)
    {
        try
        {
            return LimitsText.Read(text);
        }
        catch (FormatException e)
        {
            throw new IOException($"{path}: {e.Message}. Nothing is shared before it is mended.", e);
        }
    }

    private static byte[] Write(SharingState state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("condition", state.Condition.ToString());
            if (state.Until is { } until) json.WriteString("until", until.ToString("O", CultureInfo.InvariantCulture));
            if (state.Fault is { } fault) json.WriteString("fault", fault);
            json.WriteNumber("usedToday", state.UsedToday.Bytes);
            json.WriteNumber("usedThisMonth", state.UsedThisMonth.Bytes);
            if (state.AllowedUpload is { } up) json.WriteNumber("allowedUpload", up.BitsPerSecond);
            if (state.AllowedDownload is { } down) json.WriteNumber("allowedDownload", down.BitsPerSecond);
            json.WriteNumber("share", Math.Round(state.Share, 4));
            json.WriteString("revision", state.Revision);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
