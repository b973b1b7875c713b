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

    [Fact]
    public void Connect_AnyEncodingOfAForbiddenAddress_NeverReachesTheDialer() =>
        Gen.OneOf(s_v4Text, s_v6Text).Sample(
            host =>
            {
                var dialer = new RecordingDialer();

                // A resolver that reads whatever inet_aton reads, as the system's would.
                var resolver = new ScriptedResolver { Answer = (name, _) => Task.FromResult<IPAddress[]>([IPAddress.TryParse(name.TrimEnd('.'), out IPAddress? lax) ? lax : IPAddress.Loopback]) };
                Exit exit = Exits.Create(dialer, resolver);
                try
                {
                    exit.ConnectAsync(host, 80, CancellationToken.None).AsTask().GetAwaiter().GetResult().Dispose();
                    return false;
                }
                catch (ConnectRefusedException refused)
                {
                    return dialer.Dialled.IsEmpty && resolver.Asked.IsEmpty && refused.Code is ConnectCode.Policy or ConnectCode.AddressTypeNotSupported;
                }
            },
            iter: 20_000, threads: 1);

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
