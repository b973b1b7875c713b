using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Identity;

public sealed class PeerIdentityFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-identity-").FullName;

    private string KeyPath => Path.Combine(_folder, "deep", "identity.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void LoadOrCreate_NoFile_StoresAKeyThatLoadsAgain()
    {
        using PeerIdentity made = PeerIdentityFile.LoadOrCreate(KeyPath);
        using PeerIdentity loaded = PeerIdentityFile.LoadOrCreate(KeyPath);
        using PeerIdentity read = PeerIdentityFile.Load(KeyPath);
        Assert.Equal(made.PeerId, loaded.PeerId);
        Assert.Equal(made.PeerId, read.PeerId);
        Assert.Equal([KeyPath], Directory.GetFiles(Path.GetDirectoryName(KeyPath)!));
    }

    [Fact]
    public void LoadOrCreate_NoFile_WritesLibp2pPrivateKeyForTheOwnerAlone()
    {
        using PeerIdentity made = PeerIdentityFile.LoadOrCreate(KeyPath);
        byte[] seed = new byte[32];
        made.ExportSeed(seed);
        Assert.Equal((byte[])[0x08, 0x01, 0x12, 0x40, .. seed, .. made.PublicKey.Data.Span], File.ReadAllBytes(KeyPath));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
    }

    [Fact]
    public void LoadOrCreate_ManyAtOnce_AllGetTheSameKey()
    {
        // Many times: where looking for the name and giving it are two steps, two threads come between them only now and then.
        for (int round = 0; round < 50; round++)
        {
            string path = $"{KeyPath}.{round}";
            using var start = new Barrier(4);
            var ids = new PeerId[start.ParticipantCount];
            Thread[] threads =
            [
                .. ids.Select((_, i) => new Thread(() =>
                {
                    start.SignalAndWait();
                    using PeerIdentity identity = PeerIdentityFile.LoadOrCreate(path);
                    ids[i] = identity.PeerId;
                })),
            ];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            Assert.Single(ids.Distinct());
            Assert.Equal(round + 1, Directory.GetFiles(Path.GetDirectoryName(KeyPath)!).Length);
        }
    }

    [Fact]
    public void Load_FileOfAnyOtherLength_IsRefusedAndLeftAlone()
    {
        using (PeerIdentityFile.LoadOrCreate(KeyPath))
        {
        }

        byte[] whole = File.ReadAllBytes(KeyPath);
        for (int size = 0; size <= whole.Length + 1; size++)
        {
            if (size == whole.Length) continue;
            byte[] content = [.. whole, 0];
            File.WriteAllBytes(KeyPath, content[..size]);
            PeerIdentityFileException error = Assert.Throws<PeerIdentityFileException>(() => PeerIdentityFile.LoadOrCreate(KeyPath));
            Assert.Equal((PeerIdentityFileError.Format, KeyPath), (error.Reason, error.Path));
            Assert.Equal(size, new FileInfo(KeyPath).Length);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(67)]
    public void Load_DamagedByte_IsRefused(int at)
    {
        using (PeerIdentityFile.LoadOrCreate(KeyPath))
        {
        }

        byte[] content = File.ReadAllBytes(KeyPath);
        content[at] ^= 0x01;
        File.WriteAllBytes(KeyPath, content);
        Assert.Equal(PeerIdentityFileError.Format, Assert.Throws<PeerIdentityFileException>(() => PeerIdentityFile.Load(KeyPath)).Reason);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void Load_OthersMayTouchTheFile_IsRefusedWithWhatToDo(UnixFileMode extra)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such permissions");
        using (PeerIdentityFile.LoadOrCreate(KeyPath))
        {
        }

        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | extra);
        PeerIdentityFileException error = Assert.Throws<PeerIdentityFileException>(() => PeerIdentityFile.Load(KeyPath));
        Assert.Equal(PeerIdentityFileError.Permissions, error.Reason);
        Assert.Contains("chmod 600", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NoFile_SaysSo() => Assert.ThrowsAny<IOException>(() => PeerIdentityFile.Load(KeyPath));
}
