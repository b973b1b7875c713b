using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Transport;

namespace Overlay.Market.Witnessing;

/// <summary>What witnesses have handed to a node, in its data folder, so that claims can be made of it after the node has stopped. The form is that of an
/// answer.</summary>
internal static class AttestationFile
{
    /// <summary>Its name in the data folder.</summary>
    internal const string Name = "attestations";

    /// <summary>What is there about a provider; nothing where the file is missing or damaged: others' word can be done without.</summary>
    internal static IReadOnlyList<Attestation> Read(string folder, PublicKey provider)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            var file = new FileInfo(path);
            return file.Exists && file.Length <= AttestationAnswer.MaxSize ? AttestationAnswer.Decode(File.ReadAllBytes(path), provider) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Puts the file in the place of the one before it, whole or not at all, also where the power fails.</summary>
    /// <exception cref="IOException">It cannot be written; the one before is there as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    internal static void Write(string folder, IEnumerable<Attestation> attestations)
    {
        string path = Path.Combine(folder, Name), fresh = path + ".new";
        using (FileStream file = new(fresh, FileMode.Create))
        {
            file.Write(AttestationAnswer.Encode(attestations));
            // Else the new name could be on the disk before what it names.
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
        DurableFolders.Flush(folder);
    }
}
