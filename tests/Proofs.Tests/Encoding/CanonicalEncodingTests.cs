using CsCheck;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Tests.Encoding;

public sealed class CanonicalEncodingTests
{
    // Every integer near a change of form, besides CsCheck's own.
    private static readonly Gen<ulong> s_integers = Gen.OneOf(
        Gen.ULong, Gen.Select(Gen.Int[0, 63], Gen.Int[-1, 1]).Select((shift, by) => unchecked((1ul << shift) + (ulong)by)));

    private static readonly Gen<byte[]> s_bytes = Gen.OneOf(Gen.Byte.Array[0, 40], Gen.Byte.Array[254, 258], Gen.Byte.Array[65534, 65538]);

    private static readonly Gen<string> s_texts =
        Gen.OneOf(Gen.String[Gen.Char['\u0000', '\u2000'], 0, 300], Gen.Int[0, 40].Select(count => string.Concat(Enumerable.Repeat("𝄞", count))));

    [Fact]
    public void Array_AnyElements_RoundTripsAndTruncationIsRefusedEverywhere() => Gen.Select(s_integers, s_bytes, s_texts, Gen.Bool).Sample(
        (integer, bytes, text, truth) =>
        {
            byte[] encoded = new CanonicalWriter(5).Write(integer).Write(bytes).Write(text).Write(truth).WriteArray(1, inner => inner.Write(integer)).ToArray();
            Assert.True(Read(encoded, out ulong gotInteger, out byte[] gotBytes, out string gotText, out bool gotTruth));
            Assert.Equal((integer, text, truth), (gotInteger, gotText, gotTruth));
            Assert.Equal(bytes, gotBytes);
            for (int size = 0; size < encoded.Length; size += size < 64 ? 1 : 1 + encoded.Length / 64)
                Assert.False(Read(encoded.AsSpan(0, size), out _, out _, out _, out _));
            Assert.False(Read([.. encoded, 0], out _, out _, out _, out _));
        }, iter: 300);

    [Fact]
    public void Reader_AnyBytes_NeverThrowsAndReadsOnlyWhatTheWriterWrites() => Gen.Byte.Array[0, 64].Sample(
        bytes =>
        {
            if (Read(bytes, out ulong integer, out byte[] blob, out string text, out bool truth))
                Assert.Equal(bytes, new CanonicalWriter(5).Write(integer).Write(blob).Write(text).Write(truth).WriteArray(1, inner => inner.Write(integer)).ToArray());

            // Each method at the front of the bytes, whatever they are.
            var reader = new CanonicalReader(bytes);
            if (reader.TryReadUInt64(ulong.MaxValue, out ulong value)) AssertPrefix(bytes, new CanonicalWriter(1).Write(value));
            reader = new CanonicalReader(bytes);
            if (reader.TryReadBytes(0, int.MaxValue, out ReadOnlySpan<byte> view)) AssertPrefix(bytes, new CanonicalWriter(1).Write(view));
            reader = new CanonicalReader(bytes);
            if (reader.TryReadString(int.MaxValue, out string word)) AssertPrefix(bytes, new CanonicalWriter(1).Write(word));
            reader = new CanonicalReader(bytes);
            if (reader.TryReadBoolean(out bool boolean)) AssertPrefix(bytes, new CanonicalWriter(1).Write(boolean));
            reader = new CanonicalReader(bytes);
            reader.TryReadArrayHeader(0, int.MaxValue, out _);
            reader = new CanonicalReader(bytes);
            reader.TryReadDigest(out _);
            reader.TryReadPublicKey(out _);
        }, iter: 20_000);

    [Theory]
    // MessagePack spec, "int format family": forms longer than needed, and negative ones.
    [InlineData("cc7f"), InlineData("cd00ff"), InlineData("ce0000ffff"), InlineData("cf00000000ffffffff")]
    [InlineData("d001"), InlineData("d10001"), InlineData("d200000001"), InlineData("d30000000000000001"), InlineData("ff"), InlineData("e0")]
    [InlineData("c0"), InlineData("ca3f800000"), InlineData("c1"), InlineData(""), InlineData("cc"), InlineData("cf00000001000000")]
    public void ReadInteger_NotTheShortestForm_Refused(string hex)
    {
        var reader = new CanonicalReader(Convert.FromHexString(hex));
        Assert.False(reader.TryReadUInt64(ulong.MaxValue, out ulong value));
        Assert.Equal(0ul, value);
        Assert.True(reader.Failed);
        Assert.False(reader.IsComplete);
    }

    [Theory]
    [InlineData("c5000101"), InlineData("c600000001ff"), InlineData("a101"), InlineData("c402ff"), InlineData("c6ffffffff"), InlineData("c67fffffff"), InlineData("c4")]
    public void ReadBytes_LongFormOtherTypeOrTruncated_Refused(string hex)
    {
        var reader = new CanonicalReader(Convert.FromHexString(hex));
        Assert.False(reader.TryReadBytes(0, int.MaxValue, out ReadOnlySpan<byte> value));
        Assert.True(value.IsEmpty);
    }

    [Theory]
    [InlineData("d90161"), InlineData("da000161"), InlineData("db0000000161"), InlineData("c40161"), InlineData("a2c328"), InlineData("a3eda080"), InlineData("a2c080")]
    public void ReadString_LongFormOtherTypeOrBadUtf8_Refused(string hex)
    {
        var reader = new CanonicalReader(Convert.FromHexString(hex));
        Assert.False(reader.TryReadString(int.MaxValue, out string value));
        Assert.Equal("", value);
    }

    [Theory]
    [InlineData("dc0001"), InlineData("dc000f"), InlineData("dd00000001"), InlineData("81"), InlineData("dc00")]
    public void ReadArrayHeader_LongFormOrOtherType_Refused(string hex)
    {
        var reader = new CanonicalReader(Convert.FromHexString(hex));
        Assert.False(reader.TryReadArrayHeader(0, int.MaxValue, out int count));
        Assert.Equal(0, count);
    }

    [Fact]
    public void Read_OverTheCallersMaximum_Refused()
    {
        byte[] encoded = new CanonicalWriter(1).Write(300).ToArray();
        var reader = new CanonicalReader(encoded.AsSpan(1));
        Assert.False(reader.TryReadUInt64(299, out _));
        reader = new CanonicalReader(new CanonicalWriter(1).Write(new byte[33]).ToArray().AsSpan(1));
        Assert.False(reader.TryReadBytes(0, 32, out _));
        reader = new CanonicalReader(new CanonicalWriter(1).Write(new byte[31]).ToArray().AsSpan(1));
        Assert.False(reader.TryReadDigest(out _));
        reader = new CanonicalReader(new CanonicalWriter(1).Write("four").ToArray().AsSpan(1));
        Assert.False(reader.TryReadString(3, out _));
    }

    [Fact]
    public void Read_AfterARefusal_StaysRefused()
    {
        var reader = new CanonicalReader([0xC0, 0x01]);
        Assert.False(reader.TryReadUInt64(9, out _));
        Assert.False(reader.TryReadUInt64(9, out _));
        Assert.False(reader.IsComplete);
    }

    [Fact]
    public void Writer_WhatNoReaderWouldTake_IsTheCallersMistake()
    {
        Assert.Throws<InvalidOperationException>(() => new CanonicalWriter(2).Write(1).ToArray());
        Assert.Throws<InvalidOperationException>(() => new CanonicalWriter(0).Write(1).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => new CanonicalWriter(65_536));
        Assert.ThrowsAny<ArgumentException>(() => new CanonicalWriter(1).Write("\ud800"));
        Assert.ThrowsAny<ArgumentException>(() => new CanonicalWriter(1).Write(new string('x', 65_536)));
    }

    private static bool Read(ReadOnlySpan<byte> encoded, out ulong integer, out byte[] bytes, out string text, out bool truth)
    {
        (integer, bytes, text, truth) = (0, [], "", false);
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(5) || !reader.TryReadUInt64(ulong.MaxValue, out integer) || !reader.TryReadBytes(0, 70_000, out ReadOnlySpan<byte> view)
            || !reader.TryReadString(70_000, out text) || !reader.TryReadBoolean(out truth) || !reader.TryReadArrayHeader(1)
            || !reader.TryReadUInt64(ulong.MaxValue, out ulong again) || again != integer) return false;
        bytes = view.ToArray();
        return reader.IsComplete;
    }

    private static void AssertPrefix(byte[] bytes, CanonicalWriter writer) => Assert.True(bytes.AsSpan().StartsWith(writer.ToArray().AsSpan(1)));
}
