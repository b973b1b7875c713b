using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Overlay.Proofs.Crypto;

namespace Overlay.Proofs.Transcripts;

/// <summary>As much of STROBE-128 (Hamburg, eprint 2017/003; STROBEv1.0.2) as Merlin uses: AD, meta-AD, PRF and KEY. The duplex state, copied whole when assigned.</summary>
internal struct Strobe128
{
    // R of the specification: 1600 bits less two times the security of 128, in bytes, less two for the padding.
    private const int Rate = 166;

    private const byte FlagI = 1, FlagA = 2, FlagC = 4, FlagM = 16, FlagK = 32;

    private Lanes _lanes;
    private byte _position, _begin;

    /// <summary>Begins a protocol.</summary>
    internal Strobe128(ReadOnlySpan<byte> protocol)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Keccak's lanes are little-endian.");
        Span<byte> state = State;
        ReadOnlySpan<byte> header = [1, Rate + 2, 1, 0, 1, 96];
        header.CopyTo(state);
        "STROBEv1.0.2"u8.CopyTo(state[6..]);
        Keccak.Permute(_lanes);
        MetaAd(protocol, more: false);
    }

    [UnscopedRef]
    private Span<byte> State => MemoryMarshal.AsBytes((Span<ulong>)_lanes);

    internal void MetaAd(ReadOnlySpan<byte> data, bool more)
    {
        Begin(FlagM | FlagA, more);
        Absorb(data);
    }

    internal void Ad(ReadOnlySpan<byte> data)
    {
        Begin(FlagA, more: false);
        Absorb(data);
    }

    internal void Prf(Span<byte> output)
    {
        Begin(FlagI | FlagA | FlagC, more: false);
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = State[_position];
            State[_position] = 0;
            Advance();
        }
    }

    internal void Key(ReadOnlySpan<byte> key)
    {
        Begin(FlagA | FlagC, more: false);
        foreach (byte value in key)
        {
            State[_position] = value;
            Advance();
        }
    }

    /// <summary>Overwrites the state.</summary>
    internal void Clear() => CryptographicOperations.ZeroMemory(State);

    private void Begin(byte flags, bool more)
    {
        if (more) return;
        byte before = _begin;
        _begin = (byte)(_position + 1);
        Absorb([before, flags]);
        if ((flags & (FlagC | FlagK)) != 0 && _position != 0) Run();
    }

    private void Absorb(ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
        {
            State[_position] ^= value;
            Advance();
        }
    }

    private void Advance()
    {
        if (++_position == Rate) Run();
    }

    private void Run()
    {
        Span<byte> state = State;
        state[_position] ^= _begin;
        state[_position + 1] ^= 0x04;
        state[Rate + 1] ^= 0x80;
        Keccak.Permute(_lanes);
        _position = 0;
        _begin = 0;
    }

    [InlineArray(Keccak.LaneCount)]
    private struct Lanes
    {
        private ulong _first;
    }
}
