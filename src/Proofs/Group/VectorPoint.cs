#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>A point in extended coordinates, X, Y, T, Z in the four lanes of a <see cref="FieldVector"/>, carried.</summary>
internal unsafe struct VectorPoint
{
    internal fixed ulong Limbs[4 * FieldVector.Size];
}

/// <summary>A second summand prepared for additions: Y - X, Y + X, 2·d·T, 2·Z in four lanes, carried, each limb in 32 bits.</summary>
internal unsafe struct VectorCachedPoint
{
    internal fixed uint Limbs[4 * FieldVector.Size];
}
