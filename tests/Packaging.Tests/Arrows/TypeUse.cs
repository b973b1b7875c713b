namespace Overlay.Packaging.Tests.Arrows;

/// <summary>One type's use of another, as the compiled code has it.</summary>
/// <param name="Namespace">Namespace of the outermost type in which the use stands.</param>
/// <param name="Type">Name of that type.</param>
/// <param name="UsedAssembly">Simple name of the assembly of the used type.</param>
/// <param name="UsedNamespace">Namespace of the outermost type that is used or around the one that is.</param>
/// <param name="UsedType">Name of that type.</param>
internal readonly record struct TypeUse(string Namespace, string Type, string UsedAssembly, string UsedNamespace, string UsedType)
{
    public override string ToString() => $"{Namespace}.{Type} uses {UsedNamespace}.{UsedType}";
}
