using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Crypto;
using Overlay.Transport.Noise;

namespace Overlay.Conformance.Tests.Noise;

public sealed class NoiseXXVectorTests
{
    private const string Protocol = "Noise_XX_25519_ChaChaPoly_SHA256";

    [Theory]
    [InlineData("noise-cacophony-25519-chachapoly-sha256.json", true)]
    [InlineData("noise-snow-25519-chachapoly-sha256.json", false)]
    public void XX_PublishedVectors_EveryMessageAndTheHashMatch(string file, bool hasHash)
    {
        using JsonDocument document = Repository.OpenVectors(file);
        int count = 0;
        foreach (JsonElement vector in document.RootElement.GetProperty("vectors").EnumerateArray())
        {
            if (vector.GetProperty("protocol_name").GetString() != Protocol) continue;
            Check(vector, hasHash);
            count++;
        }

        Assert.Equal(1, count);
    }

    private static void Check(JsonElement vector, bool hasHash)
    {
        using X25519KeyPair initiatorStatic = Key(vector, "init_static"), responderStatic = Key(vector, "resp_static");
        using var initiator = new HandshakeState(NoiseRole.Initiator, Hex(vector, "init_prologue"), initiatorStatic, Key(vector, "init_ephemeral"));
        using var responder = new HandshakeState(NoiseRole.Responder, Hex(vector, "resp_prologue"), responderStatic, Key(vector, "resp_ephemeral"));
        JsonElement[] messages = [.. vector.GetProperty("messages").EnumerateArray()];

        for (int i = 0; i < 3; i++)
        {
            (HandshakeState writer, HandshakeState reader) = i % 2 == 0 ? (initiator, responder) : (responder, initiator);
            byte[] payload = Hex(messages[i], "payload"), expected = Hex(messages[i], "ciphertext");
            byte[] message = new byte[writer.Overhead + payload.Length];
            Assert.Equal(message.Length, writer.WriteMessage(payload, message));
            Assert.Equal(expected, message);

            byte[] read = new byte[message.Length];
            Assert.Equal(payload, read[..reader.ReadMessage(message, read)]);
        }

        Assert.True(initiator.IsComplete && responder.IsComplete);
        Assert.Equal(responderStatic.PublicKey, initiator.RemoteStaticKey);
        Assert.Equal(initiatorStatic.PublicKey, responder.RemoteStaticKey);
        Assert.Equal(initiator.HandshakeHash, responder.HandshakeHash);
        if (hasHash) Assert.Equal(Hex(vector, "handshake_hash"), initiator.HandshakeHash.ToArray());

        var a = initiator.Split();
        var b = responder.Split();
        for (int i = 3; i < messages.Length; i++)
        {
            (CipherState send, CipherState receive) = i % 2 == 0 ? (a.Send, b.Receive) : (b.Send, a.Receive);
            byte[] payload = Hex(messages[i], "payload");
            byte[] message = [.. payload, .. new byte[16]];
            send.EncryptWithAd(default, message);
            Assert.Equal(Hex(messages[i], "ciphertext"), message);
            Assert.True(receive.TryDecryptWithAd(default, message));
            Assert.Equal(payload, message[..^16]);
        }

        foreach (CipherState cipher in new[] { a.Send, a.Receive, b.Send, b.Receive }) cipher.Dispose();
    }

    private static X25519KeyPair Key(JsonElement vector, string name) => X25519KeyPair.FromPrivateKey(Hex(vector, name));

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
