using Overlay.Fuzzing.Engine;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>An identity file whatever is in it: the identity, or a typed refusal that leaves the file as it was.</summary>
internal sealed class IdentityFileTarget : FuzzTarget
{
    private static readonly string s_path = Path.Combine(Directory.CreateTempSubdirectory("overlay-fuzzing-").FullName, "identity");

    internal override string Name => "identity-file";

    internal override int MaxSize => 96;

    // A file is opened, and the two refusals tell the path.
    internal override int FixedAllocation => 8 * 1024;

    internal override IEnumerable<byte[]> Seeds => [FileOf(FuzzKeys.Own), FileOf(FuzzKeys.Peer), [], new byte[68]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        Write(input);
        meter.Start();
        try
        {
            using PeerIdentity identity = PeerIdentityFile.Load(s_path);
            meter.Stop();
            Invariant.Same(input, FileOf(identity), "An identity is stored in one form");
            return true;
        }
        catch (PeerIdentityFileException refused)
        {
            meter.Stop();
            Invariant.Same(PeerIdentityFileError.Format, refused.Reason, "A file of the owner's alone can only be of another form");
            return false;
        }
    }

    private static void Write(ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(s_path, options);
        file.Write(content);
    }

    private static byte[] FileOf(PeerIdentity identity)
    {
        byte[] seed = new byte[32];
        identity.ExportSeed(seed);
        return [0x08, 0x01, 0x12, 0x40, .. seed, .. identity.PublicKey.Data.Span];
    }
}
