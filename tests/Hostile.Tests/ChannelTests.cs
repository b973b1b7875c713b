using Overlay.TestKit.HostilePeers;
using Overlay.TestKit.HostilePeers.Channels;
using Overlay.Transport.Connections;

namespace Overlay.Hostile.Tests;

/// <summary>What may come over an encrypted channel, or seem to.</summary>
public sealed class ChannelTests
{
    [Fact]
    public async Task ForgedMessage_AtEveryByte_EndsTheConnection()
    {
        await using Arena arena = await Arena.CreateAsync();
        var misbehaviour = new ForgedMessage();
        for (int i = 0; i < ForgedMessage.Size; i++) await arena.RunOnceAsync(misbehaviour);
        // The two bytes of the length lead to a wait for more, and to its end.
        await arena.ExpectLoggedAsync(1002, ForgedMessage.Size, record =>
            record.GetStructuredStateValue("Error") is nameof(ConnectionError.AuthenticationFailed) or nameof(ConnectionError.EndOfStream));
        await arena.ExpectLoggedAsync(1002, ForgedMessage.Size - 2, record => record.GetStructuredStateValue("Error") == nameof(ConnectionError.AuthenticationFailed));
        await arena.ExpectCalmAsync();
    }

    [Fact]
    public Task ReplayedMessage_ASecondTime_EndsTheConnection() => ExpectCutOffAsync(new ReplayedMessage(), ConnectionError.AuthenticationFailed);

    [Fact]
    public Task ReorderedMessages_EndTheConnection() => ExpectCutOffAsync(new ReorderedMessages(), ConnectionError.AuthenticationFailed);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(ulong.MaxValue - 1)]
    [InlineData(ulong.MaxValue)]
    public Task ForgedNonce_UsedSkippedOrLast_EndsTheConnection(ulong nonce) => ExpectCutOffAsync(new ForgedNonce(nonce), ConnectionError.AuthenticationFailed);

    [Fact]
    public Task EmptyMessageFlood_EndsTheConnection() => ExpectCutOffAsync(new EmptyMessageFlood(), ConnectionError.LimitExceeded);

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public Task ShortMessage_BelowATag_EndsTheConnection(int size) => ExpectCutOffAsync(new ShortMessage(size), ConnectionError.AuthenticationFailed);

    [Fact]
    public Task CutMessage_EndsTheConnection() => ExpectCutOffAsync(new CutMessage(), ConnectionError.EndOfStream);

    private static async Task ExpectCutOffAsync(Misbehaviour misbehaviour, ConnectionError error)
    {
        await using Arena arena = await Arena.CreateAsync();
        await using (Attack attack = arena.Begin(misbehaviour))
        {
            await attack.InFullSwingAsync(arena.Cancellation);
            await arena.ExpectServiceAsync();
            await arena.ExpectCutOffAsync(error);
        }

        await arena.ExpectCalmAsync();
    }
}
