using System.Globalization;

namespace Overlay.Benchmarks.Plots;

/// <summary>A table of numbers under names, as the simulations write it: no quotes, no empty cells.</summary>
internal sealed class Csv
{
    private readonly string[] _header;
    private readonly double[][] _rows;

    private Csv(string[] header, double[][] rows)
    {
        _header = header;
        _rows = rows;
    }

    internal static Csv Read(string path)
    {
        if (!File.Exists(path)) throw new UsageException($"{path} is not there.");
        string[][] cells = [.. File.ReadAllLines(path).Select(line => line.Split(','))];
        if (cells.Length < 2) throw new UsageException($"{path} has no rows.");
        return new Csv(cells[0], [.. cells[1..].Select(row => row.Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)).ToArray())]);
    }

    internal double[] Column(string name)
    {
        int index = Array.IndexOf(_header, name);
        return index < 0 ? throw new UsageException($"There is no column {name}.") : [.. _rows.Select(row => row[index])];
    }
}
