using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>A prefix of addresses under one rule: the rule's number and the leading bits.</summary>
internal readonly record struct PrefixKey(int Rule, UInt128 Bits);

/// <summary>Finds the prefixes that an address counts towards: those of the most specific network that has rules.</summary>
internal sealed class AddressPrefixes
{
    private readonly PrefixRule[] _rules;
    private readonly (IPNetwork Network, int[] Rules)[] _networks;

    internal AddressPrefixes(IEnumerable<PrefixRule> rules)
    {
        _rules = [.. rules];
        _networks =
        [
            .. Enumerable.Range(0, _rules.Length).GroupBy(rule => _rules[rule].Network)
                // A network without limits is still found, and exempts.
                .Select(group => (group.Key, group.Where(rule => _rules[rule].IsLimiting).ToArray())).OrderByDescending(network => network.Key.PrefixLength),
        ];
    }

    internal PrefixRule Rule(PrefixKey key) => _rules[key.Rule];

    /// <summary>The prefixes of an address that have limits; none for an exempt one.</summary>
    internal PrefixKey[] Find(IPAddress address)
    {
        foreach ((IPNetwork network, int[] rules) in _networks)
        {
            if (!network.Contains(address)) continue;
            if (rules.Length == 0) return [];
            var keys = new PrefixKey[rules.Length];
            for (int i = 0; i < rules.Length; i++) keys[i] = new PrefixKey(rules[i], Leading(address, _rules[rules[i]].PrefixLength));
            return keys;
        }

        return [];
    }

    /// <summary>A prefix in words, such as <c>2001:db8::/56</c>.</summary>
    internal string Print(PrefixKey key)
    {
        PrefixRule rule = Rule(key);
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, key.Bits);
        int size = rule.Network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 4 : 16;
        return $"{new IPAddress(bytes[..size])}/{rule.PrefixLength}";
    }

    private static UInt128 Leading(IPAddress address, int count)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        return count == 0 ? 0 : BinaryPrimitives.ReadUInt128BigEndian(bytes) & (UInt128.MaxValue << (128 - count));
    }
}
