using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Sockets of this process on a host of a <see cref="TwoHosts"/>: a socket stays in the network namespace in which it was made.</summary>
internal static partial class HostSockets
{
    private const int NewNet = 0x4000_0000, PacketFamily = 17, RawType = 3, AllProtocols = 0x0300; // ETH_P_ALL in network order

    /// <summary>Makes a socket on a thread of its own, which enters the namespace and then ends.</summary>
    internal static Socket Make(string host, Func<Socket> make)
    {
        Socket? made = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using SafeFileHandle space = File.OpenHandle($"/var/run/netns/{host}");
                if (SetNamespace(space, NewNet) != 0) throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                made = make();
            }
            catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException($"No socket could be made on {host}.", failure);
    }

    /// <summary>A socket that hears every frame of every interface of the host.</summary>
    internal static Socket MakePacketSocket(string host) => Make(host, () =>
    {
        int descriptor = OpenSocket(PacketFamily, RawType, AllProtocols);
        if (descriptor < 0) throw new IOException($"socket: {Marshal.GetLastPInvokeErrorMessage()}");
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
    });

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle space, int type);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);
}
