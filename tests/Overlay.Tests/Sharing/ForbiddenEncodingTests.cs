using System.Globalization;
using System.Net;
using CsCheck;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

/// <summary>However a forbidden address is written down, not one packet leaves for it.</summary>
public class ForbiddenEncodingTests
{
    private static readonly (string Network, int Prefix)[] s_networks =
    [
        ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("169.254.169.254", 32), ("172.16.0.0", 12), ("192.0.0.0", 24),
        ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 4), ("240.0.0.0", 4),
        ("168.63.129.16", 32), ("100.100.100.200", 32),
    ];

    private static readonly Gen<uint> s_address =
        from network in OneOf(s_networks)
        from random in Gen.UInt
        select Numeric(network.Network) | (network.Prefix == 32 ? 0 : random & (uint.MaxValue >> network.Prefix));

    private static readonly Gen<string> s_part = OneOf("d", "x", "X", "o", "d0", "x0");

    private static readonly Gen<string> s_v4Text =
        from address in s_address
        from parts in Gen.Int[1, 4]
        from forms in s_part.Array[4]
        from dot in OneOf("", "", ".")
        select Write(address, parts, forms) + dot;

    private static readonly Gen<string> s_v6Text =
        from address in s_address
        from form in OneOf("::{0}", "::ffff:{0}", "::ffff:0:{0}", "64:ff9b::{0}", "64:ff9b:1::{0}", "2002:{1}::1", "2001:0:{1}::", "2a00:1450:0:1:0:5efe:{0}", "fe80::{1}", "fd00::{1}", "fec0::{1}", "ff02::{1}", "2001:db8::{1}", "5f00::{1}", "3fff::{1}")
        from dotted in Gen.Bool
        from style in Gen.Int[0, 5]
        select Restyle(form, address, dotted, style);

    // What a client, a library or a proxy on the way may take for the same address.
    private static readonly Func<string, string>[] s_disguises =
    [
        text => string.Concat(text.Select(c => $"%{(int)c:x2}")),
        text => text.Replace(".", "%2e", StringComparison.Ordinal).Replace(":", "%3A", StringComparison.Ordinal),
        text => $"[{text}]",
        text => $"[::ffff:{text}]",
        text => text + "%lo",
        text => text + "%25eth0",
        text => text + "..",
        text => text.Replace('.', '\u3002'),
        text => text.Replace('.', '\uff0e'),
        text => text.Replace('.', '\uff61'),
        text => string.Concat(text.Select(c => char.IsAsciiDigit(c) ? (char)(c - '0' + '\uff10') : c)),
        text => string.Concat(text.Select(c => char.IsAsciiDigit(c) ? (char)(c - '0' + '\u0660') : c)),
        text => string.Concat(text.Select(c => c is >= '1' and <= '9' ? (char)(c - '1' + '\u2460') : c)),
        text => " " + text,
        text => text + "\t",
        text => text + "\0.example.com",
        text => text + "\n",
        text => text + "/",
        text => text + ":80",
        text => "user@" + text,
        text => "//" + text,
        text => "\ufeff" + text,
        text => text + "\u200b",
        text => "+" + text,
        text => "-" + text,
    ];

    private static readonly Gen<string> s_disguised =
        from text in Gen.OneOf(s_v4Text, s_v6Text)
        from disguise in Gen.Int[0, s_disguises.Length - 1]
        select s_disguises[disguise](text);

    // Every form in which an answer may hold a forbidden address, as bits.
    private static readonly Gen<IPAddress> s_answer =
        from v4 in s_address
        from form in Gen.Int[0, 9]
        from random in Gen.Byte.Array[16]
        select form switch
        {
            0 => new IPAddress(Bytes(v4)),
            1 => Embed("::ffff:0:0", 12, v4, random, 16),
            2 => Embed("::", 12, v4, random, 16),
            3 => Embed("64:ff9b::", 12, v4, random, 16),
            // A local prefix of any length inside 64:ff9b:1::/48 (RFC 8215).
            4 => Embed("64:ff9b:1::", 12, v4, random, 6),
            5 => Embed("2002::", 2, v4, random, 6),
            6 => Embed("2001::", 12, ~v4, random, 4),
            7 => Embed("2a00:1450:0:1:0:5efe::", 12, v4, random, 16),
            8 => Embed("fd00::", 12, v4, random, 1),
            _ => Embed("fe80::", 12, v4, random, 8),
        };

    [Fact]
    public void Connect_AnyEncodingOfAForbiddenAddress_NeverReachesTheDialer() => Gen.OneOf(s_v4Text, s_v6Text).Sample(IsKeptIn, iter: 20_000, threads: 1);

    [Fact]
    public void Connect_AnyDisguiseOfAForbiddenAddress_NeverReachesTheDialerNorTheResolver() => s_disguised.Sample(IsKeptIn, iter: 20_000, threads: 1);

    [Theory]
    [InlineData("93.184.215.14")]
    [InlineData("2a00:1450:4001:800::200e")]
    public void Connect_AnyEncodingOfAnOwnAddress_NeverReachesTheDialer(string own)
    {
        IPAddress address = IPAddress.Parse(own);
        uint v4 = own.Contains(':', StringComparison.Ordinal) ? 0 : Numeric(own);
        byte[] bytes = address.GetAddressBytes();
        Gen<string> v6 = Gen.Int[0, 5].Select(style => style switch
        {
            0 => own,
            1 => own.ToUpperInvariant(),
            2 => string.Join(':', Enumerable.Range(0, 8).Select(i => $"{bytes[2 * i]:x2}{bytes[(2 * i) + 1]:x2}")),
            3 => string.Join(':', Enumerable.Range(0, 8).Select(i => $"{(bytes[2 * i] << 8) | bytes[(2 * i) + 1]:X}")),
            4 => $"{own[..own.LastIndexOf("::", StringComparison.Ordinal)]}::0.0.32.14",
            _ => $"[{own}]",
        });
        Gen<string> texts = v4 == 0 ? v6 : Gen.Select(Gen.Int[1, 4], s_part.Array[4]).Select((parts, forms) => Write(v4, parts, forms));

        texts.Sample(host => IsKeptIn(host, address), iter: 2_000, threads: 1);
    }

    [Fact]
    public void Connect_NameWithAnyForbiddenAnswer_NeverReachesTheDialer() =>
        Gen.Select(s_answer, Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool).Sample(
            (forbidden, before, after, own) =>
            {
                var dialer = new RecordingDialer();
                IPAddress bad = own ? IPAddress.Parse("93.184.215.14") : forbidden;
                IPAddress[] answers = [.. Enumerable.Repeat(IPAddress.Parse("1.1.1.1"), before), bad, .. Enumerable.Repeat(IPAddress.Parse("2606:4700::1111"),
                    after)];
                Exit exit = Exits.Create(dialer, new ScriptedResolver { Answer = (_, _) => Task.FromResult(answers) },
                    own: new FixedAddresses("93.184.215.14"));
                return IsRefused(exit, "rebind.example", ConnectCode.Policy) && dialer.Dialled.IsEmpty;
            },
            iter: 20_000, threads: 1);

    private static bool IsKeptIn(string host) => IsKeptIn(host, null);

    private static bool IsKeptIn(string host, IPAddress? own)
    {
        var dialer = new RecordingDialer();

        // A resolver that reads whatever inet_aton reads, as the system's would.
        var resolver = new ScriptedResolver
        {
            Answer = (name, _) => Task.FromResult<IPAddress[]>([IPAddress.TryParse(name.TrimEnd('.'), out IPAddress? lax)
            ? lax : IPAddress.Loopback])
        };
        Exit exit = Exits.Create(dialer, resolver, own: own is null ? null : new FixedAddresses(own.ToString()));
        return IsRefused(exit, host, ConnectCode.Policy, ConnectCode.AddressTypeNotSupported) && dialer.Dialled.IsEmpty && resolver.Asked.IsEmpty;
    }

    private static bool IsRefused(Exit exit, string host, params ConnectCode[] codes)
    {
        try
        {
            exit.ConnectAsync(host, 80, CancellationToken.None).AsTask().GetAwaiter().GetResult().Dispose();
            return false;
        }
        catch (ConnectRefusedException refused)
        {
            return codes.Contains(refused.Code);
        }
    }

    // A prefix, the four bytes at their place, and random bytes from a place on where the form leaves them open.
    private static IPAddress Embed(string prefix, int at, uint v4, byte[] random, int randomFrom)
    {
        byte[] bytes = IPAddress.Parse(prefix).GetAddressBytes();
        for (int i = randomFrom; i < 16; i++) bytes[i] = random[i];
        Bytes(v4).CopyTo(bytes, at);
        return new IPAddress(bytes);
    }

    private static byte[] Bytes(uint v4) => [(byte)(v4 >> 24), (byte)(v4 >> 16), (byte)(v4 >> 8), (byte)v4];

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    // The forms of inet_aton: one to four parts, each decimal, hexadecimal or octal, the last one taking what is left.
    private static string Write(uint address, int parts, string[] forms)
    {
        var texts = new string[parts];
        for (int i = 0; i < parts; i++)
        {
            uint value = i < parts - 1 ? address >> (24 - (8 * i)) & 0xff : address & (uint.MaxValue >> (8 * i));
            texts[i] = forms[i] switch
            {
                "x" => "0x" + value.ToString("x", CultureInfo.InvariantCulture),
                "X" => "0X" + value.ToString("X", CultureInfo.InvariantCulture),
                "x0" => "0x" + value.ToString("x12", CultureInfo.InvariantCulture),
                "o" => "0" + Convert.ToString(value, 8),
                "d0" => "000" + value.ToString(CultureInfo.InvariantCulture),
                _ => value.ToString(CultureInfo.InvariantCulture),
            };
        }

        return string.Join('.', texts);
    }

    private static string Restyle(string form, uint address, bool dotted, int style)
    {
        string hex = $"{address >> 16:x}:{address & 0xffff:x}";
        string text = string.Format(CultureInfo.InvariantCulture, form, dotted ? Write(address, 4, ["d", "d", "d", "d"]) : hex, hex);
        IPAddress parsed = IPAddress.Parse(text);
        byte[] bytes = parsed.GetAddressBytes();
        string full = string.Join(':', Enumerable.Range(0, 8).Select(i => $"{bytes[2 * i]:x2}{bytes[(2 * i) + 1]:x2}"));
        return style switch
        {
            1 => text.ToUpperInvariant(),
            2 => full,
            3 => full.ToUpperInvariant(),
            4 => $"[{text}]",
            5 => text + "%1",
            _ => text,
        };
    }

    private static uint Numeric(string address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(address).GetAddressBytes());
}
