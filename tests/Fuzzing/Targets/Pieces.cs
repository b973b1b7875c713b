namespace Overlay.Fuzzing.Targets;

/// <summary>Cuts bytes into pieces, for code that must not care where the network cuts.</summary>
/// <remarks>Feeds as a connection does: what was not consumed comes again with more behind it.</remarks>
internal ref struct Pieces(ReadOnlySpan<byte> bytes, int size)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _start;
    private int _end;

    /// <summary>What has arrived and was not consumed.</summary>
    internal readonly ReadOnlySpan<byte> Arrived => _bytes[_start.._end];

    /// <summary>Bytes consumed so far.</summary>
    internal readonly int Consumed => _start;

    /// <summary>Lets the next piece arrive.</summary>
    /// <returns>False when there is none.</returns>
    internal bool Receive()
    {
        if (_end == _bytes.Length) return false;
        _end = Math.Min(_bytes.Length, _end + Math.Max(1, size));
        return true;
    }

    internal void Consume(int count) => _start += count;
}
