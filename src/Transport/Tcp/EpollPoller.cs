using System.Runtime.InteropServices;

namespace Overlay.Transport.Tcp;

/// <summary>The one thread of a process that waits for its sockets (epoll(7)) and tells each what it has waited for.</summary>
/// <remarks>Each wait is registered by itself and told of once (<c>EPOLLONESHOT</c>): a socket on which nobody waits wakes nobody. Safe on several threads.</remarks>
internal sealed unsafe partial class EpollPoller
{
    internal const uint Readable = 0x1, Writable = 0x4, Failed = 0x8, HungUp = 0x10, PeerEnded = 0x2000;

    private const uint OneShot = 1u << 30;
    private const int Add = 1, Delete = 2, Modify = 3, CloseOnExec = 0x80000;
    private const int Interrupted = 4;
    private const int MaxEvents = 128, MaxEventSize = 16;

    // struct epoll_event is packed on x86 and x64, and nowhere else.
    private static readonly bool s_isPacked = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;
    private static readonly int s_eventSize = s_isPacked ? 12 : MaxEventSize;
    private static readonly int s_keyOffset = s_isPacked ? 4 : 8;

    private readonly int _epoll;
    private readonly Lock _lock = new();
    private readonly Stack<int> _free = new();
    private EpollSocket?[] _sockets = new EpollSocket?[64];
    private int _used;
    private uint _entered;

    private EpollPoller(int epoll)
    {
        _epoll = epoll;
        new Thread(Run) { IsBackground = true, Name = "Overlay sockets" }.Start();
    }

    /// <summary>The process's own; null where sockets are left to .NET.</summary>
    internal static EpollPoller? Shared { get; } = Create();

    /// <summary>Gives a socket a key under which it is told, until <see cref="Leave"/>.</summary>
    internal ulong Enter(EpollSocket socket)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out int place))
            {
                if (_used == _sockets.Length) Array.Resize(ref _sockets, 2 * _used);
                place = _used++;
            }

            _sockets[place] = socket;
            // What is told late to a socket that has left must not reach another in its place.
            return ((ulong)++_entered << 32) | (uint)place;
        }
    }

    internal void Leave(ulong key)
    {
        lock (_lock)
        {
            int place = (int)(uint)key;
            _sockets[place] = null;
            _free.Push(place);
        }
    }

    /// <summary>Asks to be told once as soon as any of <paramref name="interest"/> holds, which may be now; in the place of what was asked for before.</summary>
    /// <returns>0, or errno.</returns>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    internal int Ask(SafeHandle socket, ulong key, uint interest, bool isKnown)
    {
        byte* request = stackalloc byte[MaxEventSize];
        *(uint*)request = interest | OneShot;
        *(ulong*)(request + s_keyOffset) = key;
        return EpollControl(_epoll, isKnown ? Modify : Add, socket, request) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Takes back what was asked for. A socket that is closed is forgotten by the system.</summary>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    internal void Forget(SafeHandle socket)
    {
        byte* request = stackalloc byte[MaxEventSize];
        _ = EpollControl(_epoll, Delete, socket, request);
    }

    private static EpollPoller? Create()
    {
        if (!OperatingSystem.IsLinux() || (AppContext.TryGetSwitch("Overlay.Transport.UseSystemSockets", out bool useSystem) && useSystem)) return null;
        try
        {
            int epoll = EpollCreate(CloseOnExec);
            return epoll < 0 ? null : new EpollPoller(epoll);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or OutOfMemoryException)
        {
            return null;
        }
    }

    private void Run()
    {
        byte* events = stackalloc byte[MaxEvents * MaxEventSize];
        while (true)
        {
            int count = EpollWait(_epoll, events, MaxEvents, timeout: -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted) break;
            for (int i = 0; i < count; i++)
            {
                byte* one = events + (i * s_eventSize);
                ulong key = *(ulong*)(one + s_keyOffset);
                if (Volatile.Read(ref _sockets)[(uint)key] is { } socket && socket.Key == key) socket.Tell(*(uint*)one);
            }
        }

        // Somebody has closed a descriptor that was not his. Those who wait look for themselves, ask again, and get the error.
        foreach (EpollSocket? socket in Volatile.Read(ref _sockets)) socket?.Tell(Failed);
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, SafeHandle socket, byte* request);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(int epoll, byte* events, int maxEvents, int timeout);
}
