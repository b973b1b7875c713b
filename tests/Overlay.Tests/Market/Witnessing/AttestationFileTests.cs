using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestationFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-attestations-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_WhatWasWritten_OfThatProvider()
    {
        PublicKey provider = Words.Provider.PublicKey;
        Assert.Empty(AttestationFile.Read(_folder, provider));
        AttestationFile.Write(_folder, [Words.Make(10)]);
        AttestationFile.Write(_folder, [Words.Make(10), Words.Make(11)]);
        Assert.Equal(2, AttestationFile.Read(_folder, provider).Count);
        Assert.Empty(AttestationFile.Read(_folder, new SeedSigner(2).PublicKey));
        Assert.Equal([AttestationFile.Name], Directory.GetFiles(_folder).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public void Read_ADamagedOrHugeFile_IsAsIfThereWereNone()
    {
        AttestationFile.Write(_folder, [Words.Make(10)]);
        string path = Path.Combine(_folder, AttestationFile.Name);
        byte[] bytes = File.ReadAllBytes(path);
        foreach (byte[] damaged in new byte[][] { [], bytes[..^1], [.. bytes[..^1], (byte)(bytes[^1] ^ 1)], new byte[AttestationAnswer.MaxSize + 1] })
        {
            File.WriteAllBytes(path, damaged);
            Assert.Empty(AttestationFile.Read(_folder, Words.Provider.PublicKey));
        }
    }
}
