namespace Overlay.Transport.Yamux;

/// <summary>Streams that have something to send and the credit for it, taking turns. Guarded by the session's gate.</summary>
internal sealed class DataQueue(YamuxOptions options)
{
    private readonly Queue<YamuxStream> _turns = new();

    internal bool HasWork => _turns.Count > 0;

    internal void Add(YamuxStream stream)
    {
        if (stream.IsInDataQueue || !stream.CanSend) return;
        stream.IsInDataQueue = true;
        _turns.Enqueue(stream);
    }

    internal void Clear()
    {
        foreach (YamuxStream stream in _turns) stream.IsInDataQueue = false;
        _turns.Clear();
    }

    /// <summary>The next data frame; the stream has its turn again behind the others once the frame is written.</summary>
    internal bool TryTake(int maxPayload, out FrameHeader header, out YamuxStream? stream)
    {
        while (_turns.TryDequeue(out stream))
        {
            stream.IsInDataQueue = false;
            if (!stream.CanSend) continue;
            header = stream.TakeDataFrame(_turns.Count == 0 ? maxPayload : Math.Min(maxPayload, options.Quantum));
            return true;
        }

        header = default;
        return false;
    }
}
