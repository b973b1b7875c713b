using System.Globalization;
using Overlay.Transport;

namespace Overlay.Claiming;

/// <summary>The claims of a node as files in its data folder, named by epoch; with them the memory of what is claimed.</summary>
internal sealed class ClaimFolder(string folder) : IClaimedEpochs
{
    /// <summary>Where the claims are in a data folder.</summary>
    internal const string Name = "claims";

    private const string Ending = ".claim";

    public IReadOnlyCollection<ulong> Read() => Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*" + Ending).Select(ReadEpoch).OfType<ulong>()] : [];

    public void Keep(ulong epoch, byte[] claim)
    {
        bool isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, epoch.ToString(CultureInfo.InvariantCulture) + Ending);
        FileStream file = new(path, FileMode.CreateNew);
        try
        {
            using (file)
            {
                file.Write(claim);
                file.Flush(flushToDisk: true);
            }

            // A claim that is out and whose name a power cut takes away would leave its epoch free.
            DurableFolders.Flush(folder);
            if (isNew) DurableFolders.Flush(Path.GetDirectoryName(Path.GetFullPath(folder))!);
        }
        catch
        {
            // Nobody has seen the claim: the epoch is as free as before.
            File.Delete(path);
            throw;
        }
    }

    private static ulong? ReadEpoch(string path) =>
        ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out ulong epoch) ? epoch : null;
}
