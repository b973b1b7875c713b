using System.Net;
using System.Text;
using CsCheck;
using Overlay.Sessions;
using Overlay.Using;

namespace Overlay.Tests.Using;

public class Socks5HandshakeTests
{
    private static readonly byte[] s_greeting = [5, 1, 0];
    private static readonly ProxyCredentials s_credentials = new("user", "secret");

    public static TheoryData<byte[], string, int> Requests { get; } = new()
    {
        { [5, 1, 0, 1, 93, 184, 215, 14, 1, 187], "93.184.215.14", 443 },
        { [5, 1, 0, 3, 11, .. "example.org"u8, 0, 80], "example.org", 80 },
        { [5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255], "2001:db8::1", 65535 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void Advance_RequestCutAtEveryByte_WaitsAndThenConnects(byte[] request, string host, int port)
    {
        var handshake = new Socks5Handshake(null);
        Assert.Equal(Socks5Action.Read, handshake.Advance([], out _));
        Assert.Equal(Socks5Action.Read, handshake.Advance(s_greeting.AsSpan(0, 1), out _));
        Assert.Equal(Socks5Action.Read, handshake.Advance(s_greeting.AsSpan(0, 2), out _));
        Assert.Equal(Socks5Action.Send, handshake.Advance(s_greeting, out int consumed));
        Assert.Equal(3, consumed);
        Assert.Equal([5, 0], handshake.Reply.ToArray());

        for (int size = 0; size < request.Length; size++)
        {
            Assert.Equal(Socks5Action.Read, handshake.Advance(request.AsSpan(0, size), out consumed));
            Assert.Equal(0, consumed);
        }

        Assert.Equal(Socks5Action.Connect, handshake.Advance([.. request, 9, 9], out consumed));
        Assert.Equal(request.Length, consumed);
        Assert.Equal(host, handshake.Host);
        Assert.Equal(port, handshake.Port);
    }

    [Fact]
    public void Advance_PasswordCutAtEveryByte_WaitsAndThenGrants()
    {
        var handshake = new Socks5Handshake(s_credentials);
        Assert.Equal(Socks5Action.Send, handshake.Advance([5, 2, 0, 2], out _));
        Assert.Equal([5, 2], handshake.Reply.ToArray());
        byte[] message = [1, 4, .. "user"u8, 6, .. "secret"u8];

        for (int size = 0; size < message.Length; size++) Assert.Equal(Socks5Action.Read, handshake.Advance(message.AsSpan(0, size), out _));

        Assert.Equal(Socks5Action.Send, handshake.Advance(message, out int consumed));
        Assert.Equal(message.Length, consumed);
        Assert.Equal([1, 0], handshake.Reply.ToArray());
    }

    [Theory]
    [InlineData(false, "region-DE;session-a", "anything")]
    [InlineData(false, "user;region-DE;session-a", "anything")]
    [InlineData(true, "user;region-DE;session-a", "secret")]
    public void Advance_UserNameWithWishes_IsGrantedAndSaysThem(bool withPassword, string user, string password)
    {
        var handshake = new Socks5Handshake(withPassword ? s_credentials : null, new ExitWish { MaxPricePerGiB = 0.1m });
        handshake.Advance([5, 2, 0, 2], out _);
        Assert.Equal(Socks5Action.Send, handshake.Advance([1, (byte)user.Length, .. Encoding.UTF8.GetBytes(user), (byte)password.Length, .. Encoding.UTF8.GetBytes(password)], out _));
        Assert.Equal([1, 0], handshake.Reply.ToArray());
        Assert.Equal(new ExitWish { Region = "DE", Session = "a", MaxPricePerGiB = 0.1m }, handshake.Wish);
    }

    [Fact]
    public void Advance_UserNameWithAWordThatIsNone_IsRefused()
    {
        var handshake = new Socks5Handshake(null);
        handshake.Advance([5, 1, 2], out _);
        byte[] user = [.. "user;regoin-DE"u8];
        Assert.Equal(Socks5Action.Refuse, handshake.Advance([1, (byte)user.Length, .. user, 1, 1], out _));
        Assert.Equal([1, 1], handshake.Reply.ToArray());
        Assert.Contains("word 2", handshake.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("user", "Secret")]
    [InlineData("use", "rsecret")]
    [InlineData("user", "secret1")]
    [InlineData("", "")]
    public void Advance_WrongPassword_IsRefused(string user, string password)
    {
        var handshake = new Socks5Handshake(s_credentials);
        handshake.Advance([5, 1, 2], out _);

        Assert.Equal(Socks5Action.Refuse, handshake.Advance([1, (byte)user.Length, .. user.Select(c => (byte)c), (byte)password.Length, .. password.Select(c => (byte)c)], out _));
        Assert.Equal([1, 1], handshake.Reply.ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 5, 0 }, new byte[] { 5, 0xff })]
    [InlineData(new byte[] { 5, 2, 1, 3 }, new byte[] { 5, 0xff })]
    [InlineData(new byte[] { 4, 1 }, new byte[0])]
    [InlineData(new byte[] { (byte)'G' }, new byte[0])]
    public void Advance_GreetingWithoutAcceptableMethod_IsRefused(byte[] greeting, byte[] reply)
    {
        var handshake = new Socks5Handshake(null);

        Assert.Equal(Socks5Action.Refuse, handshake.Advance(greeting, out _));
        Assert.Equal(reply, handshake.Reply.ToArray());
        Assert.NotEmpty(handshake.Reason);
    }

    [Theory]
    [InlineData(7, new byte[] { 5, 2, 0, 1, 1, 1, 1, 1, 0, 80 })]
    [InlineData(7, new byte[] { 5, 3, 0, 1, 1, 1, 1, 1, 0, 80 })]
    [InlineData(7, new byte[] { 5, 0, 0, 1, 1, 1, 1, 1, 0, 80 })]
    [InlineData(8, new byte[] { 5, 1, 0, 2, 1, 1, 1, 1, 0, 80 })]
    [InlineData(8, new byte[] { 5, 1, 0, 3, 0, 0, 80 })]
    [InlineData(8, new byte[] { 5, 1, 0, 3, 1, 0, 0, 80 })]
    [InlineData(8, new byte[] { 5, 1, 0, 3, 1, 0xfc, 0, 80 })]
    [InlineData(8, new byte[] { 5, 1, 0, 3, 1, 0x20, 0, 80 })]
    [InlineData(1, new byte[] { 5, 1, 9, 1, 1, 1, 1, 1, 0, 80 })]
    [InlineData(1, new byte[] { 5, 1, 0, 1, 1, 1, 1, 1, 0, 0 })]
    public void Advance_RequestThatCannotBeServed_IsRefusedWithItsReply(byte reply, byte[] request)
    {
        var handshake = new Socks5Handshake(null);
        handshake.Advance(s_greeting, out _);

        Assert.Equal(Socks5Action.Refuse, handshake.Advance(request, out _));
        Assert.Equal([5, reply, 0, 1, 0, 0, 0, 0, 0, 0], handshake.Reply.ToArray());
    }

    [Fact]
    public void Advance_AnyBytes_NeverThrowsAndNeverWantsMoreThanTheLargestMessage() =>
        Gen.Select(Gen.Bool, Gen.Byte[0, 5].Array[0, 8], Gen.Byte.Array[0, 600]).Sample((withPassword, start, rest) =>
        {
            var handshake = new Socks5Handshake(withPassword ? s_credentials : null);
            ReadOnlySpan<byte> input = (byte[])[5, 1, (byte)(withPassword ? 2 : 0), .. start, .. rest];
            while (true)
            {
                Socks5Action action = handshake.Advance(input, out int consumed);
                input = input[consumed..];
                if (action == Socks5Action.Read) return input.Length < Socks5Handshake.MaxMessageSize;
                if (action != Socks5Action.Send) return true;
            }
        });

    [Theory]
    [InlineData(ConnectCode.GeneralFailure, 1)]
    [InlineData(ConnectCode.NotAllowed, 2)]
    [InlineData(ConnectCode.NetworkUnreachable, 3)]
    [InlineData(ConnectCode.HostUnreachable, 4)]
    [InlineData(ConnectCode.ConnectionRefused, 5)]
    [InlineData(ConnectCode.TimedOut, 4)]
    [InlineData(ConnectCode.CommandNotSupported, 7)]
    [InlineData(ConnectCode.AddressTypeNotSupported, 8)]
    [InlineData(ConnectCode.Policy, 2)]
    [InlineData(ConnectCode.Credit, 1)]
    [InlineData(ConnectCode.Capacity, 1)]
    [InlineData(ConnectCode.OwnerBusy, 1)]
    [InlineData((ConnectCode)12345, 1)]
    public void Reply_ForEachCode_IsTheNearestThatSocksHas(ConnectCode code, byte reply) => Assert.Equal(reply, Socks5Reply.For(code)[1]);

    [Fact]
    public void Reply_Succeeded_CarriesTheBoundEndPoint() =>
        Assert.Equal([5, 0, 0, 4, .. IPAddress.IPv6Loopback.GetAddressBytes(), 0x12, 0x34], Socks5Reply.Succeeded(new IPEndPoint(IPAddress.IPv6Loopback, 0x1234)));
}
