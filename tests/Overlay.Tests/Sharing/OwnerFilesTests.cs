using System.Diagnostics;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public sealed class OwnerFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-files-tests-").FullName;

    private string Limits => Path.Combine(_folder, "limits.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Replace_RootWritesForAService_FileStaysTheServices()
    {
        SkipUnlessRoot();
        OwnerFiles.Replace(Limits, "1"u8);
        Run("chown", "4321:5432", Limits);

        OwnerFiles.Replace(Limits, "2"u8);

        Assert.Equal("4321:5432 600", Run("stat", "-c", "%u:%g %a", Limits));
        Assert.Equal("2", File.ReadAllText(Limits));
    }

    [Fact]
    public void Replace_RootWritesTheFirst_FileIsWhoseTheFolderIs()
    {
        SkipUnlessRoot();
        Run("chown", "4321:5432", _folder);

        OwnerFiles.Replace(Limits, "1"u8);

        Assert.Equal("4321:5432", Run("stat", "-c", "%u:%g", Limits));
    }

    /// <summary>A service may put a link there; what root writes goes by the link's owner, never by what it leads to, and replaces the link.</summary>
    [Fact]
    public void Replace_RootWritesWhereALinkIs_FileIsWhoseTheLinkIs()
    {
        SkipUnlessRoot();
        string other = Path.Combine(_folder, "other");
        File.WriteAllText(other, "roots");
        File.CreateSymbolicLink(Limits, other);
        Run("chown", "-h", "4321:5432", Limits);

        OwnerFiles.Replace(Limits, "1"u8);

        Assert.Equal("4321:5432", Run("stat", "-c", "%u:%g", Limits));
        Assert.Equal("0:roots", Run("stat", "-c", "%u", other) + ":" + File.ReadAllText(other));
    }

    [Fact]
    public void TryDelete_NotAFile_IsNoError()
    {
        OwnerFiles.TryDelete(_folder);
        OwnerFiles.TryDelete(Limits);
        Assert.True(Directory.Exists(_folder));
    }

    private static void SkipUnlessRoot() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "only root on Linux gives files to others");

    private static string Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
