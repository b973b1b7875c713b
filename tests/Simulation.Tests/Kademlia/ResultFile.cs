using System.Globalization;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>A table of results that outlives the run: a CSV file in the folder that <c>OVERLAY_SIMULATION_CSV</c> names, or nothing where it names none. A row
/// that is measured again takes the place of the old one.</summary>
/// <param name="name">The file's name.</param>
/// <param name="header">Names of the columns, separated by commas; the first is a number, by which the rows are told apart and ordered.</param>
internal sealed class ResultFile(string name, string header)
{
    /// <summary>Puts a row in its place.</summary>
    internal void Write(params IReadOnlyList<double> cells)
    {
        Assert.Equal(header.Split(',').Length, cells.Count);
        if (Environment.GetEnvironmentVariable("OVERLAY_SIMULATION_CSV") is not { Length: > 0 } folder) return;
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName, name);
        IEnumerable<string> others = File.Exists(path) ? File.ReadAllLines(path).Skip(1).Where(row => First(row) != cells[0]) : [];
        string row = string.Join(',', cells.Select(cell => cell.ToString("0.####", CultureInfo.InvariantCulture)));
        File.WriteAllText(path, string.Concat(others.Append(row).OrderBy(First).Prepend(header).Select(line => line + "\n")));
    }

    private static double First(string row) => double.Parse(row.Split(',')[0], CultureInfo.InvariantCulture);
}
