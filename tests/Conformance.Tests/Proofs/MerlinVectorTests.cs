using System.Text;
using System.Text.Json;
using Overlay.Proofs.Transcripts;
using Overlay.TestKit;

namespace Overlay.Conformance.Tests.Proofs;

public sealed class MerlinVectorTests
{
    [Fact]
    public void Merlin_EveryVector_GivesTheSameChallenges()
    {
        using JsonDocument file = Repository.OpenVectors("merlin-transcript.json");
        int challenges = 0;
        foreach (JsonElement vector in file.RootElement.GetProperty("vectors").EnumerateArray())
        {
            JsonElement[] operations = [.. vector.GetProperty("ops").EnumerateArray()];
            Assert.Equal("new", operations[0][0].GetString());
            var transcript = new Transcript(Ascii(operations[0][1]));
            byte[] last = [];
            Run(operations.AsSpan(1), transcript, ref last, ref challenges);
            if (vector.TryGetProperty("last_challenge", out JsonElement expected)) Assert.Equal(expected.GetString(), Convert.ToHexStringLower(last));
        }

        Assert.Equal(33, challenges);
    }

    // "->c" keeps a challenge, "<-c" appends the one that was kept.
    private static void Run(ReadOnlySpan<JsonElement> operations, Transcript transcript, ref byte[] last, ref int challenges)
    {
        foreach (JsonElement operation in operations)
        {
            switch (operation[0].GetString())
            {
                case "append_message":
                    transcript.AppendMessage(Ascii(operation[1]), Ascii(operation[2]));
                    break;
                case "append_message_hex":
                    string data = operation[2].GetString()!;
                    transcript.AppendMessage(Ascii(operation[1]), data == "<-c" ? last : Convert.FromHexString(data));
                    break;
                case "challenge_bytes":
                    last = new byte[operation[2].GetInt32()];
                    transcript.ChallengeBytes(Ascii(operation[1]), last);
                    string expected = operation[3].GetString()!;
                    challenges++;
                    if (expected != "->c") Assert.Equal(expected, Convert.ToHexStringLower(last));
                    break;
                case "repeat":
                    JsonElement[] inner = [.. operation[2].EnumerateArray()];
                    for (int i = 0; i < operation[1].GetInt32(); i++) Run(inner, transcript, ref last, ref challenges);
                    break;
                default:
                    Assert.Fail($"Unknown operation {operation[0]}.");
                    break;
            }
        }
    }

    private static byte[] Ascii(JsonElement text) => Encoding.ASCII.GetBytes(text.GetString()!);
}
