using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Overlay.Gossip.Wire;

/// <summary>A message as it travels (pubsub specification, "The Message"): its bytes, and where its fields lie in them.</summary>
internal sealed class WireMessage
{
    // What a message may keep in memory beside its own bytes and an eighth of them: less than a copy would cost.
    private const int MaxBallast = 64;

    private readonly Layout _at;

    private WireMessage(ReadOnlyMemory<byte> encoded, string topic, Layout at, bool isCanonical)
    {
        Encoded = encoded;
        Topic = topic;
        _at = at;
        IsCanonical = isCanonical;
    }

    /// <summary>The message's bytes, passed on as they are.</summary>
    internal ReadOnlyMemory<byte> Encoded { get; }

    internal string Topic { get; }

    /// <summary>Whether every implementation that encodes the fields anew arrives at the same bytes: known fields, once each, in ascending order, numbers in
    /// their shortest form. Of any other message some would find the signature good and others bad.</summary>
    internal bool IsCanonical { get; }

    /// <summary>The author's PeerId.</summary>
    internal ReadOnlyMemory<byte> From => Encoded[_at.From];

    internal ReadOnlyMemory<byte> Data => Encoded[_at.Data];

    internal ReadOnlyMemory<byte> Sequence => Encoded[_at.Sequence];

    internal ReadOnlyMemory<byte> Signature => Encoded[_at.Signature];

    internal ReadOnlyMemory<byte> Key => Encoded[_at.Key];

    /// <summary>Whether any of the fields is there that an unsigned message must not have.</summary>
    internal bool HasAuthorFields => _at.Names.HasFlag(Names.From) || _at.Names.HasFlag(Names.Sequence) || _at.Names.HasFlag(Names.Signature) || _at.Names.HasFlag(Names.Key);

    internal bool HasSignedFields => _at.Names.HasFlag(Names.From | Names.Sequence | Names.Signature);

    /// <summary>What the signature is over: the fields before it. A key behind it is not signed by any implementation, and must be the one that made the author's name.</summary>
    internal ReadOnlyMemory<byte> Signed => Encoded[.._at.SignatureField.Start];

    /// <summary>The same message, in an array of its own where it would keep an RPC in memory that is much longer than itself.</summary>
    internal WireMessage Detached() =>
        MemoryMarshal.TryGetArray(Encoded, out ArraySegment<byte> part) && part.Array!.Length - part.Count <= MaxBallast + part.Count / 8
            ? this
            : new WireMessage(Encoded.ToArray(), Topic, _at, IsCanonical);

    /// <summary>Finds the fields. False for what is no protobuf, has no topic or one of no allowed length.</summary>
    internal static bool TryParse(ReadOnlyMemory<byte> encoded, GossipLimits limits, [NotNullWhen(true)] out WireMessage? message)
    {
        message = null;
        var at = default(Layout);
        bool isCanonical = true;
        int last = 0;
        var reader = new ProtoReader(encoded.Span);
        while (!reader.IsAtEnd)
        {
            int start = reader.Position;
            if (!reader.TryRead(out ProtoField field)) return false;
            if (field.Name is >= 1 and <= 6 && field.Kind != ProtoKind.Bytes) return false;
            isCanonical &= field.Name is >= 1 and <= 6 && field.Name > last && reader.IsShortest;
            last = field.Name;
            at.Place(field, start..reader.Position);
        }

        int topicSize = at.Topic.End.Value - at.Topic.Start.Value;
        if (!at.Names.HasFlag(Names.Topic) || topicSize == 0 || topicSize > limits.MaxTopicSize) return false;
        if (!RpcDecoder.TryReadTopic(encoded.Span[at.Topic], out string topic)) return false;
        message = new WireMessage(encoded, topic, at, isCanonical);
        return true;
    }

    [Flags]
    private enum Names
    {
        None = 0,
        From = 1,
        Data = 2,
        Sequence = 4,
        Topic = 8,
        Signature = 16,
        Key = 32,
    }

    private struct Layout
    {
        internal Range From = default, Data = default, Sequence = default, Topic = default, Signature = default, Key = default, SignatureField = default;
        internal Names Names;

        public Layout()
        {
        }

        internal void Place(ProtoField field, Range whole)
        {
            if (field.Name is < 1 or > 6) return;
            Names |= (Names)(1 << (field.Name - 1));
            Range value = field.Start..(field.Start + field.Size);
            switch (field.Name)
            {
                case 1:
                    From = value;
                    break;
                case 2:
                    Data = value;
                    break;
                case 3:
                    Sequence = value;
                    break;
                case 4:
                    Topic = value;
                    break;
                case 5:
                    Signature = value;
                    SignatureField = whole;
                    break;
                default:
                    Key = value;
                    break;
            }
        }
    }
}
