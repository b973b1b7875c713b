namespace Overlay;

/// <summary>Finds what somebody meant to write.</summary>
internal static class NearestName
{
    /// <summary>The candidate with the fewest letters to insert, remove, replace or swap with a neighbour; case does not count. The first of equals.</summary>
    internal static string Among(IEnumerable<string> candidates, string written) => candidates.MinBy(candidate => Distance(candidate, written))!;

    /// <summary>The optimal string alignment distance.</summary>
    private static int Distance(string a, string b)
    {
        // Nothing that long is a slip of the pen; cutting bounds the work.
        const int Longest = 64;
        if (a.Length > Longest) a = a[..Longest];
        if (b.Length > Longest) b = b[..Longest];
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++) cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++) cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j] + 1, cost[i, j - 1] + 1), cost[i - 1, j - 1] + replace);
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1])) cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }

        return cost[a.Length, b.Length];
    }

    private static bool Same(char x, char y) => char.ToUpperInvariant(x) == char.ToUpperInvariant(y);
}
