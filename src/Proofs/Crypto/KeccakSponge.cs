using System.Runtime.InteropServices;

namespace Overlay.Proofs.Crypto;

/// <summary>SHA3-512 and SHAKE256 (FIPS 202, section 6) over <see cref="Keccak"/>: all input first, then any amount of output. Not safe on several threads.</summary>
internal sealed class KeccakSponge
{
    private readonly ulong[] _lanes = new ulong[Keccak.LaneCount];
    private readonly int _rate;
    private readonly byte _suffix;
    private int _position;
    private bool _squeezing;

    private KeccakSponge(int rate, byte suffix)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Keccak's lanes are little-endian.");
        _rate = rate;
        _suffix = suffix;
    }

    /// <summary>SHAKE256.</summary>
    internal static KeccakSponge Shake256() => new(136, 0x1F);

    /// <summary>SHA3-512: the first 64 bytes of output are the hash.</summary>
    internal static KeccakSponge Sha3512() => new(72, 0x06);

    private Span<byte> State => MemoryMarshal.AsBytes(_lanes.AsSpan());

    /// <summary>Adds input.</summary>
    internal void Absorb(ReadOnlySpan<byte> data)
    {
        if (_squeezing) throw new InvalidOperationException("Output was taken already.");
        foreach (byte value in data)
        {
            State[_position++] ^= value;
            if (_position == _rate) Permute();
        }
    }

    /// <summary>Takes the next output.</summary>
    internal void Squeeze(Span<byte> output)
    {
        if (!_squeezing)
        {
            State[_position] ^= _suffix;
            State[_rate - 1] ^= 0x80;
            Permute();
            _squeezing = true;
        }

        while (!output.IsEmpty)
        {
            if (_position == _rate) Permute();
            int count = Math.Min(output.Length, _rate - _position);
            State.Slice(_position, count).CopyTo(output);
            _position += count;
            output = output[count..];
        }
    }

    private void Permute()
    {
        Keccak.Permute(_lanes);
        _position = 0;
    }
}
