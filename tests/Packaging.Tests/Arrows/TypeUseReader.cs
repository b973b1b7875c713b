using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Overlay.Packaging.Tests.Arrows;

/// <summary>Reads every use of a type out of an assembly: base types, signatures, attributes and the instructions of every method body.</summary>
/// <remarks>
/// Types nested in others, the compiler's own for lambdas and async methods among them, count as their outermost type. What the compiler leaves no
/// trace of (<c>nameof</c>, constants) is not a use.
/// </remarks>
internal sealed class TypeUseReader
{
    private static readonly OpCode[] s_oneByte = new OpCode[256];
    private static readonly OpCode[] s_twoBytes = new OpCode[256];

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly string _assembly;
    private readonly Collector _collector;
    private readonly HashSet<TypeUse> _uses = [];
    private (string Namespace, string Name) _user;

    static TypeUseReader()
    {
        foreach (System.Reflection.FieldInfo field in typeof(OpCodes).GetFields())
        {
            var code = (OpCode)field.GetValue(null)!;
            (code.Size == 1 ? s_oneByte : s_twoBytes)[(byte)code.Value] = code;
        }
    }

    private TypeUseReader(PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
        _assembly = _metadata.GetString(_metadata.GetAssemblyDefinition().Name);
        _collector = new Collector(this);
    }

    internal static IReadOnlySet<TypeUse> Read(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        var reader = new TypeUseReader(image);
        foreach (TypeDefinitionHandle handle in reader._metadata.TypeDefinitions) reader.ReadType(handle);
        return reader._uses;
    }

    private void ReadType(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        _user = Outermost(handle);
        UseToken(type.BaseType);
        foreach (InterfaceImplementationHandle i in type.GetInterfaceImplementations()) UseToken(_metadata.GetInterfaceImplementation(i).Interface);
        UseAttributes(type.GetCustomAttributes());
        UseGenericParameters(type.GetGenericParameters());
        foreach (FieldDefinitionHandle f in type.GetFields())
        {
            FieldDefinition field = _metadata.GetFieldDefinition(f);
            field.DecodeSignature(_collector, null);
            UseAttributes(field.GetCustomAttributes());
        }

        foreach (PropertyDefinitionHandle p in type.GetProperties()) UseAttributes(_metadata.GetPropertyDefinition(p).GetCustomAttributes());
        foreach (MethodDefinitionHandle m in type.GetMethods()) ReadMethod(_metadata.GetMethodDefinition(m));
    }

    private void ReadMethod(MethodDefinition method)
    {
        method.DecodeSignature(_collector, null);
        UseAttributes(method.GetCustomAttributes());
        UseGenericParameters(method.GetGenericParameters());
        if (method.RelativeVirtualAddress == 0) return;

        MethodBodyBlock body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil) _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_collector, null);
        foreach (ExceptionRegion region in body.ExceptionRegions)
            if (region.Kind == ExceptionRegionKind.Catch) UseToken(region.CatchType);
        ReadInstructions(body.GetILReader());
    }

    private void ReadInstructions(BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            byte first = code.ReadByte();
            OpCode operation = first == 0xFE ? s_twoBytes[code.ReadByte()] : s_oneByte[first];
            switch (operation.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig:
                    UseToken(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    // Read first: a compound assignment would take the offset from before the count.
                    int targetCount = code.ReadInt32();
                    code.Offset += targetCount * sizeof(int);
                    break;
                default:
                    code.Offset += OperandSize(operation.OperandType);
                    break;
            }
        }
    }

    private static int OperandSize(OperandType type) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private void UseToken(EntityHandle handle)
    {
        if (handle.IsNil) return;
        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                Use((TypeReferenceHandle)handle);
                break;
            case HandleKind.TypeDefinition:
                Use((TypeDefinitionHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_collector, null);
                break;
            case HandleKind.MemberReference:
                MemberReference member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
                UseToken(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Field) member.DecodeFieldSignature(_collector, null);
                else member.DecodeMethodSignature(_collector, null);
                break;
            case HandleKind.MethodDefinition:
                Use(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Use(_metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification method = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                UseToken(method.Method);
                method.DecodeSignature(_collector, null);
                break;
            case HandleKind.StandaloneSignature:
                _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(_collector, null);
                break;
        }
    }

    private void UseAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle handle in attributes) UseToken(_metadata.GetCustomAttribute(handle).Constructor);
    }

    private void UseGenericParameters(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle handle in parameters)
            foreach (GenericParameterConstraintHandle constraint in _metadata.GetGenericParameter(handle).GetConstraints())
                UseToken(_metadata.GetGenericParameterConstraint(constraint).Type);
    }

    private void Use(TypeDefinitionHandle handle)
    {
        (string space, string name) = Outermost(handle);
        _uses.Add(new TypeUse(_user.Namespace, _user.Name, _assembly, space, name));
    }

    private void Use(TypeReferenceHandle handle)
    {
        TypeReference type = _metadata.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference) type = _metadata.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        string assembly = type.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? _metadata.GetString(_metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)
            : _assembly;
        _uses.Add(new TypeUse(_user.Namespace, _user.Name, assembly, _metadata.GetString(type.Namespace), _metadata.GetString(type.Name)));
    }

    private (string Namespace, string Name) Outermost(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = _metadata.GetTypeDefinition(type.GetDeclaringType());
        return (_metadata.GetString(type.Namespace), _metadata.GetString(type.Name));
    }

    // Signatures are decoded only for the types that they name; what they amount to does not matter.
    private sealed class Collector(TypeUseReader reader) : ISignatureTypeProvider<bool, object?>
    {
        public bool GetTypeFromDefinition(MetadataReader metadata, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            reader.Use(handle);
            return true;
        }

        public bool GetTypeFromReference(MetadataReader metadata, TypeReferenceHandle handle, byte rawTypeKind)
        {
            reader.Use(handle);
            return true;
        }

        public bool GetTypeFromSpecification(MetadataReader metadata, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            metadata.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public bool GetSZArrayType(bool elementType) => true;

        public bool GetArrayType(bool elementType, ArrayShape shape) => true;

        public bool GetByReferenceType(bool elementType) => true;

        public bool GetPointerType(bool elementType) => true;

        public bool GetPinnedType(bool elementType) => true;

        public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => true;

        public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) => true;

        public bool GetGenericMethodParameter(object? genericContext, int index) => true;

        public bool GetGenericTypeParameter(object? genericContext, int index) => true;

        public bool GetFunctionPointerType(MethodSignature<bool> signature) => true;

        public bool GetPrimitiveType(PrimitiveTypeCode typeCode) => true;
    }
}
