using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Overlay.Using;

/// <summary>What a SOCKS5 handshake wants done next.</summary>
internal enum Socks5Action
{
    /// <summary>More bytes of the client.</summary>
    Read,

    /// <summary><see cref="Socks5Handshake.Reply"/> to be sent, then go on.</summary>
    Send,

    /// <summary>A connection to <see cref="Socks5Handshake.Host"/> and <see cref="Socks5Handshake.Port"/>; its outcome is the last reply.</summary>
    Connect,

    /// <summary><see cref="Socks5Handshake.Reply"/> to be sent, if not empty, and the connection closed.</summary>
    Refuse,
}

/// <summary>The server's side of a SOCKS5 handshake (RFC 1928, RFC 1929) without I/O: bytes in, actions out. One instance for one connection.</summary>
/// <remarks>
/// <code>
/// greeting   05 | n | n methods               answer 05 | method (00 none, 02 user/password, FF refused)
/// user/pass  01 | n | user | n | password     answer 01 | 00 granted, else refused
/// request    05 | command | 00 | type | address | port (2, big-endian)
///            type 01: 4 bytes, 03: n | n bytes, 04: 16 bytes       answer: see <see cref="Socks5Reply"/>
/// </code>
/// The largest message is 513 bytes, so what a caller has to keep is bounded by <see cref="MaxMessageSize"/>.
/// </remarks>
internal sealed class Socks5Handshake(ProxyCredentials? credentials, ExitWish? wish = null)
{
    /// <summary>The size of the largest message: a user name and a password of 255 bytes.</summary>
    public const int MaxMessageSize = 3 + 255 + 255;

    private const byte Version = 5;
    private const byte PasswordVersion = 1; // RFC 1929, section 2
    private const byte NoAuthentication = 0;
    private const byte UserPassword = 2;
    private const byte NoAcceptableMethod = 0xff;
    private const byte ConnectCommand = 1;
    private const byte V4 = 1;
    private const byte Domain = 3;
    private const byte V6 = 4;

    private State _state;

    private enum State
    {
        Greeting,
        Password,
        Request,
        Over,
    }

    /// <summary>What to send, for the actions that send.</summary>
    public ReadOnlyMemory<byte> Reply { get; private set; }

    /// <summary>Why the client was refused, for the log.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>What the client asks of the exit: what its user name says, and for the rest what holds for all.</summary>
    public ExitWish Wish { get; private set; } = wish ?? new ExitWish();

    /// <summary>The target's name or address as the client gave it: printable ASCII, unchecked otherwise.</summary>
    public string Host { get; private set; } = "";

    /// <summary>The target's port, 1 to 65535.</summary>
    public int Port { get; private set; }

    /// <summary>Takes in the next message.</summary>
    /// <param name="input">All bytes received and not yet consumed. With <see cref="Socks5Action.Read"/> none are consumed: call again with more behind them.</param>
    /// <param name="consumed">How many bytes were used up. What is left over after <see cref="Socks5Action.Connect"/> is payload.</param>
    public Socks5Action Advance(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        return _state switch
        {
            State.Greeting => Greet(input, out consumed),
            State.Password => CheckPassword(input, out consumed),
            State.Request => TakeRequest(input, out consumed),
            _ => Refuse([], "The handshake is over."),
        };
    }

    private Socks5Action Greet(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        if (input.Length > 0 && input[0] != Version) return Refuse([], "The client does not speak SOCKS5.");
        if (input.Length < 2 || input.Length < 2 + input[1]) return Socks5Action.Read;
        consumed = 2 + input[1];
        ReadOnlySpan<byte> offered = input[2..consumed];
        // Where nobody has to show who he is, a user name can still say what is wished for.
        byte method = credentials is not null || offered.Contains(UserPassword) ? UserPassword : NoAuthentication;
        if (!offered.Contains(method)) return Refuse([Version, NoAcceptableMethod], "The client offers no acceptable authentication method.");
        return Send([Version, method], method == NoAuthentication ? State.Request : State.Password);
    }

    private Socks5Action CheckPassword(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        if (input.Length > 0 && input[0] != PasswordVersion) return Refuse([PasswordVersion, 1], "The client's authentication message is malformed.");
        if (input.Length < 2) return Socks5Action.Read;
        int userEnd = 2 + input[1];
        if (input.Length <= userEnd || input.Length < userEnd + 1 + input[userEnd]) return Socks5Action.Read;
        consumed = userEnd + 1 + input[userEnd];
        ReadOnlySpan<byte> user = input[2..userEnd];
        if (credentials is not null && !credentials.Match(WishWords.NameOf(user), input[(userEnd + 1)..consumed])) return Refuse([PasswordVersion, 1], "User name or password are wrong.");
        if (WishWords.Read(user, Wish, out ExitWish wished) is { } problem) return Refuse([PasswordVersion, 1], problem);
        Wish = wished;
        return Send([PasswordVersion, 0], State.Request);
    }

    private Socks5Action TakeRequest(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        if (input.Length > 0 && input[0] != Version) return Refuse([], "The client's request is malformed.");
        if (input.Length < 5) return Socks5Action.Read;
        int addressStart = input[3] == Domain ? 5 : 4;
        int addressSize;
        switch (input[3])
        {
            case V4: addressSize = 4; break;
            case Domain: addressSize = input[4]; break;
            case V6: addressSize = 16; break;
            default: return Refuse(Socks5Reply.AddressTypeNotSupported, "The client asks for an unknown kind of address.");
        }

        int end = addressStart + addressSize + 2;
        if (input.Length < end) return Socks5Action.Read;
        consumed = end;
        if (input[1] != ConnectCommand) return Refuse(Socks5Reply.CommandNotSupported, "The client asks for something else than CONNECT.");
        if (input[2] != 0) return Refuse(Socks5Reply.GeneralFailure, "The client's request is malformed.");

        ReadOnlySpan<byte> address = input.Slice(addressStart, addressSize);
        Port = BinaryPrimitives.ReadUInt16BigEndian(input[(end - 2)..]);
        if (Port == 0) return Refuse(Socks5Reply.GeneralFailure, "The client asks for port 0.");
        if (input[3] != Domain) Host = new IPAddress(address).ToString();
        else if (addressSize > 0 && !address.ContainsAnyExceptInRange((byte)'!', (byte)'~')) Host = Encoding.ASCII.GetString(address);
        else return Refuse(Socks5Reply.AddressTypeNotSupported, "The client's domain name is empty or not in ASCII.");
        _state = State.Over;
        return Socks5Action.Connect;
    }

    private Socks5Action Send(byte[] reply, State next)
    {
        Reply = reply;
        _state = next;
        return Socks5Action.Send;
    }

    private Socks5Action Refuse(byte[] reply, string reason)
    {
        Reply = reply;
        Reason = reason;
        _state = State.Over;
        return Socks5Action.Refuse;
    }
}
