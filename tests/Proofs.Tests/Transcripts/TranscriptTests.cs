using Overlay.Proofs.Group;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Tests.Transcripts;

public sealed class TranscriptTests
{
    // The reference implementation's own vector.
    [Fact]
    public void Challenge_OfTheReferenceVector_IsTheSame()
    {
        var transcript = new Transcript("test protocol"u8);
        transcript.AppendMessage("some label"u8, "some data"u8);
        Assert.Equal("d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615", Challenge(transcript));
    }

    [Fact]
    public void Challenge_AnythingElseBefore_Differs()
    {
        string[] challenges =
        [
            Challenge(With("a"u8, "b"u8, "cd"u8)),
            Challenge(With("a"u8, "bc"u8, "d"u8)),
            Challenge(With("a"u8, "b"u8, "c"u8)),
            Challenge(With("A"u8, "b"u8, "cd"u8)),
            Challenge(With("a"u8, "b"u8, ""u8)),
            Challenge(new Transcript("a"u8)),
        ];
        Assert.Equal(challenges.Length, challenges.Distinct().Count());

        static Transcript With(ReadOnlySpan<byte> protocol, ReadOnlySpan<byte> label, ReadOnlySpan<byte> message)
        {
            var transcript = new Transcript(protocol);
            transcript.AppendMessage(label, message);
            return transcript;
        }
    }

    [Fact]
    public void Append_NumberScalarAndPoint_AreTheirEncodings()
    {
        Transcript one = new("t"u8), other = new("t"u8);
        one.AppendUInt64("n"u8, 0x0102030405060708);
        one.AppendScalar("s"u8, new Scalar(9));
        one.AppendPoint("P"u8, CompressedPoint.Identity);
        other.AppendMessage("n"u8, [8, 7, 6, 5, 4, 3, 2, 1]);
        other.AppendMessage("s"u8, [9, .. new byte[31]]);
        other.AppendMessage("P"u8, new byte[32]);
        Assert.Equal(Challenge(other), Challenge(one));
    }

    [Fact]
    public void Clone_ThenAnotherMessage_LeavesTheFirstAsItWas()
    {
        Transcript original = new("t"u8), untouched = new("t"u8), clone = original.Clone();
        clone.AppendMessage("x"u8, "y"u8);
        string own = Challenge(original);
        Assert.NotEqual(Challenge(clone), own);
        Assert.Equal(Challenge(untouched), own);
    }

    [Fact]
    public void Messages_AcrossManyBlocks_AreAllBound()
    {
        byte[] message = new byte[1000];
        var seen = new HashSet<string>();
        for (int changed = 0; changed < message.Length; changed += 83)
        {
            message[changed] = 1;
            var transcript = new Transcript("t"u8);
            transcript.AppendMessage("long"u8, message);
            Assert.True(seen.Add(Challenge(transcript)));
            message[changed] = 0;
        }
    }

    [Fact]
    public void Random_OtherTranscriptWitnessOrEntropy_Differs()
    {
        Transcript first = new("a"u8), second = new("b"u8);
        byte[] entropy = new byte[32], other = [.. new byte[31], 1];
        string[] outputs = [Draw(first, [1], entropy), Draw(first, [2], entropy), Draw(first, [1], other), Draw(second, [1], entropy)];
        Assert.Equal(4, outputs.Distinct().Count());
        Assert.Equal(outputs[0], Draw(first, [1], entropy));
        Assert.Throws<ArgumentException>(() => first.CreateRandom("w"u8, [], new byte[31]));

        static string Draw(Transcript transcript, byte[] witness, byte[] entropy)
        {
            using TranscriptRandom random = transcript.CreateRandom("witness"u8, witness, entropy);
            Span<byte> bytes = stackalloc byte[48];
            random.Fill(bytes);
            return Convert.ToHexString(bytes);
        }
    }

    private static string Challenge(Transcript transcript)
    {
        Span<byte> challenge = stackalloc byte[32];
        transcript.ChallengeBytes("challenge"u8, challenge);
        return Convert.ToHexStringLower(challenge);
    }
}
