namespace Overlay.Discovery.Kademlia.Records;

/// <summary>The validators of a node by namespace. A key without one of them is nobody's: nothing is stored or taken under it.</summary>
internal sealed class RecordRules
{
    private readonly Dictionary<string, IRecordValidator> _validators;

    internal RecordRules(KademliaOptions options) => _validators = new Dictionary<string, IRecordValidator>(options.Validators, StringComparer.Ordinal)
    {
        [PublicKeyValidator.Namespace] = new PublicKeyValidator(),
        [SignedValueValidator.Namespace] = new SignedValueValidator(),
    };

    /// <summary>Looks at a message's record. Signatures take time, so that this is done before the node's lock is taken; safe on several threads.</summary>
    internal KademliaMessage Judge(KademliaMessage message) =>
        message.Record is { IsValid: null } record ? message with { Record = record with { IsValid = IsValid(record) } } : message;

    /// <summary>Whether a record's value may stand under its key.</summary>
    internal bool IsValid(KademliaRecord record) => record.IsValid ?? IsValid(record.Key.Span, record.Value.Span);

    /// <summary>Whether a value may stand under a key. A validator that throws has refused.</summary>
    internal bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        try
        {
            return Find(key)?.IsValid(key, value) == true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or IndexOutOfRangeException or OverflowException or IOException)
        {
            return false;
        }
    }

    /// <summary>Whether the second of two valid values is better than the first.</summary>
    internal bool IsBetter(ReadOnlySpan<byte> key, ReadOnlySpan<byte> held, ReadOnlySpan<byte> offered) => Find(key)?.Choose(key, held, offered) > 0;

    // "/namespace/rest"
    private IRecordValidator? Find(ReadOnlySpan<byte> key)
    {
        if (key.Length < 3 || key[0] != '/') return null;
        int end = key[1..].IndexOf((byte)'/');
        if (end < 1) return null;
        Span<char> name = stackalloc char[end <= 64 ? end : 0];
        if (name.IsEmpty) return null;
        for (int i = 0; i < end; i++) name[i] = (char)key[i + 1];
        return _validators.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out IRecordValidator? validator) ? validator : null;
    }
}
