namespace Overlay.Packaging.Tests.Arrows;

/// <summary>The rooms of one assembly and which of them each may use. A room is the first folder below the project; "" is the project's root, which uses all.</summary>
internal sealed class RoomMap
{
    private readonly string _rootNamespace;
    private readonly Dictionary<string, string[]> _allowed;

    /// <param name="rootNamespace">Namespace of the project's root folder.</param>
    /// <param name="allowed">For each room but the root the rooms that it may use.</param>
    internal RoomMap(string rootNamespace, Dictionary<string, string[]> allowed)
    {
        _rootNamespace = rootNamespace;
        _allowed = allowed;
    }

    /// <summary>The room of a namespace; null for one that lies outside the assembly's root namespace.</summary>
    internal string? RoomOf(string typeNamespace)
    {
        if (typeNamespace == _rootNamespace) return "";
        if (!typeNamespace.StartsWith(_rootNamespace + '.', StringComparison.Ordinal)) return null;
        string rest = typeNamespace[(_rootNamespace.Length + 1)..];
        int dot = rest.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? rest : rest[..dot];
    }

    /// <summary>Every use that the map does not allow, in words, in order.</summary>
    internal IReadOnlyList<string> FindViolations(string assembly, IEnumerable<TypeUse> uses)
    {
        TypeUse[] own = [.. uses.Where(use => use.UsedAssembly == assembly && RoomOf(use.Namespace) is not null && RoomOf(use.UsedNamespace) is not null)];
        HashSet<string> composers = FindComposers(own);
        SortedSet<string> violations = new(StringComparer.Ordinal);
        foreach (TypeUse use in own)
        {
            string room = RoomOf(use.Namespace)!, used = RoomOf(use.UsedNamespace)!;
            if (room.Length == 0 || room == used) continue;
            if (!_allowed.TryGetValue(room, out string[]? allowed))
                violations.Add($"the room {room} is not on the map (tests/Packaging.Tests/ArrowTests.cs)");
            else if (used.Length == 0 ? !allowed.Contains("") && composers.Contains(use.UsedType) : !allowed.Contains(used))
                violations.Add(use.ToString());
        }

        return [.. violations];
    }

    // What stands at the root is either a word that every room may use (a value, an option, an error) or puts rooms together. The second kind is
    // whatever uses two rooms or more, or uses such a type in turn; a room that used it would by way of it use rooms that it may not.
    private HashSet<string> FindComposers(TypeUse[] own)
    {
        ILookup<string, TypeUse> byRootType = own.Where(use => RoomOf(use.Namespace)!.Length == 0).ToLookup(use => use.Type);
        HashSet<string> composers = new(StringComparer.Ordinal);
        bool grew = true;
        while (grew)
        {
            grew = false;
            foreach (IGrouping<string, TypeUse> type in byRootType)
            {
                bool composes = type.Select(use => RoomOf(use.UsedNamespace)!).Where(room => room.Length != 0).Distinct().Skip(1).Any()
                    || type.Any(use => RoomOf(use.UsedNamespace)!.Length == 0 && composers.Contains(use.UsedType));
                if (composes && composers.Add(type.Key)) grew = true;
            }
        }

        return composers;
    }
}
