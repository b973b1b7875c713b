using System.Net;
using CsCheck;
using Overlay.Discovery.Mdns;

namespace Overlay.Tests.Discovery;

public sealed class DnsMessageTests
{
    private static readonly DnsLimits s_limits = new(9000, 64, 256);

    private static readonly Gen<DnsName> s_name = Gen.Byte.Array[1, 63].Array[1, 4].Select(
        labels => DnsName.TryCreate(labels.SelectMany(label => label.Prepend((byte)label.Length)).ToArray(), out DnsName? name) ? name
            : DnsName.Parse("too.long"));

    private static readonly Gen<DnsRecord> s_record = Gen.Select(s_name, s_name, Gen.UInt, Gen.Bool, Gen.Int[0, 4], Gen.Byte.Array[1, 255].Array[1, 5],
        Gen.UShort).Select(
        (name, target, ttl, flush, kind, strings, port) => kind switch
        {
            0 => new DnsRecord(name, DnsType.Ptr, ttl, new DnsPointer(target), flush),
            1 => new DnsRecord(name, DnsType.Txt, ttl, new DnsText(strings), flush),
            2 => new DnsRecord(name, DnsType.Srv, ttl, new DnsService(port, target), flush),
            3 => new DnsRecord(name, DnsType.A, ttl, new DnsAddress(new IPAddress(ttl)), flush),
            _ => new DnsRecord(name, DnsType.Aaaa, ttl, new DnsAddress(IPAddress.Parse("fe80::1")), flush),
        });

    private static readonly Gen<DnsMessage> s_message = Gen.Select(
        Gen.UShort, Gen.Bool, Gen.Select(s_name, Gen.Bool).Select((name, unicast) => new DnsQuestion(name, DnsType.Ptr, unicast)).Array[0, 4],
            s_record.Array[0, 4], s_record.Array[0, 4])
        .Select((id, response, questions, answers, additionals) => new DnsMessage
        {
            Id = id,
            IsResponse = response,
            Questions = questions,
            Answers = answers,
            Additionals = additionals,
        });

    [Fact]
    public void TryRead_WhatWasWritten_IsTheSame() => s_message.Sample(
        message =>
        {
            byte[] packet = DnsWriter.Write(message);
            Assert.True(DnsReader.TryRead(packet, new DnsLimits(65_535, 64, 256), out DnsMessage? read));
            Assert.Equal(packet, DnsWriter.Write(read));
            Assert.Equal(message.Questions, read.Questions);
            Assert.Equal(message.Answers.Select(record => record.Name), read.Answers.Select(record => record.Name));
            Assert.Equal(message.Additionals.Count, read.Additionals.Count);
        },
        iter: 1000);

    [Fact]
    public void TryRead_AnyBytes_NeverThrows() => Gen.Byte.Array[0, 400].Sample(packet => { DnsReader.TryRead(packet, s_limits, out _); }, iter: 20_000);

    [Fact]
    public void TryRead_BytesChangedInAMessage_NeverThrows() => Gen.Select(s_message, Gen.Int, Gen.Byte, Gen.Int).Sample(
        (message, place, value, cut) =>
        {
            byte[] packet = DnsWriter.Write(message);
            packet[(int)((uint)place % packet.Length)] = value;
            DnsReader.TryRead(packet.AsSpan(0, (int)((uint)cut % (packet.Length + 1))), s_limits, out _);
        },
        iter: 5000);

    [Fact]
    public void TryRead_CutOffAnywhere_IsNoMessage()
    {
        byte[] packet = DnsWriter.Write(new DnsMessage
        {
            IsResponse = true,
            Answers = [new DnsRecord(DnsName.Parse("_p2p._udp.local"), DnsType.Ptr, 120, new DnsPointer(DnsName.Parse("x._p2p._udp.local")))],
        });
        Assert.True(DnsReader.TryRead(packet, s_limits, out _));

        for (int size = 0; size < packet.Length; size++) Assert.False(DnsReader.TryRead(packet.AsSpan(0, size), s_limits, out _));
        Assert.False(DnsReader.TryRead([.. packet, 0], s_limits, out _));
    }

    [Theory]
    // A name that points at itself, at a pointer behind it, and at the header.
    [InlineData("000000000001000000000000" + "C00C" + "000C0001")]
    [InlineData("000000000001000000000000" + "C012" + "000C0001" + "C00C")]
    [InlineData("000000000001000000000000" + "C000" + "000C0001")]
    // A label length with a reserved form, a label longer than the packet, a name without an end.
    [InlineData("000000000001000000000000" + "40" + "000C0001")]
    [InlineData("000000000001000000000000" + "3F61" + "000C0001")]
    [InlineData("000000000001000000000000" + "0161")]
    // Counts that the packet cannot hold, an opcode, an error code.
    [InlineData("00000000FFFF000000000000")]
    [InlineData("00008000000000010000FFFF")]
    [InlineData("000028000000000000000000")]
    [InlineData("000000030000000000000000")]
    // An address of three bytes, a text string over its record's end, data over the packet's end.
    [InlineData("000084000000000100000000" + "00" + "00010001" + "00000078" + "0003" + "0A0000")]
    [InlineData("000084000000000100000000" + "00" + "00100001" + "00000078" + "0002" + "05AA")]
    [InlineData("000084000000000100000000" + "00" + "00100001" + "00000078" + "FFFF" + "05AA")]
    // A pointer record with bytes behind its name.
    [InlineData("000084000000000100000000" + "00" + "000C0001" + "00000078" + "0002" + "0000")]
    public void TryRead_HostilePacket_IsNoMessage(string hex) => Assert.False(DnsReader.TryRead(Convert.FromHexString(hex), s_limits, out _));

    [Fact]
    public void TryRead_LongChainOfPointers_IsNoMessage()
    {
        // Each of 40 pointers leads to the one before it, the first to a name.
        List<byte> packet = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 0, 0, 12, 0, 1];
        Assert.True(DnsReader.TryRead([.. packet], s_limits, out _));
        packet = [0, 0, 0, 0, 0, 41, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 0, 0, 12, 0, 1];
        int place = 12;
        for (int i = 0; i < 40; i++)
        {
            int here = packet.Count;
            packet.AddRange([(byte)(0xC0 | place >> 8), (byte)place, 0, 12, 0, 1]);
            place = here;
        }

        Assert.False(DnsReader.TryRead([.. packet], s_limits, out _));
    }

    [Fact]
    public void TryRead_OverALimit_IsNoMessage()
    {
        byte[] questions = DnsWriter.Write(new DnsMessage { Questions = [.. Enumerable.Repeat(new DnsQuestion(DnsName.Parse("a.local"), DnsType.Ptr), 65)] });
        Assert.False(DnsReader.TryRead(questions, s_limits, out _));
        Assert.True(DnsReader.TryRead(questions, s_limits with { MaxQuestionCount = 65 }, out _));
        Assert.False(DnsReader.TryRead(questions, s_limits with { MaxQuestionCount = 65, MaxPacketSize = 100 }, out _));
    }

    [Fact]
    public void Name_CaseOfLetters_DoesNotMatter()
    {
        Assert.Equal(DnsName.Parse("_P2P._udp.LOCAL"), DnsName.Parse("_p2p._udp.local."));
        Assert.Equal(DnsName.Parse("_P2P._udp.LOCAL").GetHashCode(), DnsName.Parse("_p2p._udp.local").GetHashCode());
        Assert.True(DnsName.Parse("x._p2p._udp.local").IsChildOf(DnsName.Parse("_p2p._UDP.local")));
        Assert.False(DnsName.Parse("y.x._p2p._udp.local").IsChildOf(DnsName.Parse("_p2p._udp.local")));
    }
}
