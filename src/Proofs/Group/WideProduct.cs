using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>How the upper half of a product of two 64-bit words is made: all that tells the scalar backends apart.</summary>
internal interface IWideProduct
{
    static abstract ulong High(ulong a, ulong b);
}

/// <summary>MULX. Its result comes in a register; the framework's own wide product goes through memory on x64 and costs twice as much here.</summary>
internal readonly struct MulxProduct : IWideProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong a, ulong b) => Bmi2.X64.MultiplyNoFlags(a, b);
}

/// <summary>What every platform has; on Arm64 one instruction (UMULH).</summary>
internal readonly struct PortableProduct : IWideProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong a, ulong b) => Math.BigMul(a, b, out _);
}
