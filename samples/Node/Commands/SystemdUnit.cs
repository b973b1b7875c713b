using System.Runtime.CompilerServices;

namespace Overlay.Node.Commands;

/// <summary>The systemd unit of the node (systemd.service(5), systemd.exec(5)).</summary>
internal static class SystemdUnit
{
    internal const string Name = "overlay.service";

    /// <summary>The unit's text.</summary>
    /// <param name="program">Where the program is.</param>
    /// <param name="config">Its configuration file.</param>
    internal static string Write(string program, string config) => $"""
        [Unit]
        Description=Overlay node: shares and buys bandwidth
        Wants=network-online.target
        After=network-online.target

        [Service]
        ExecStart={Quote(program)} run --data /var/lib/overlay --config {Quote(config)}
        Restart=on-failure
        RestartSec=10
        # SIGTERM lets it ask for last receipts first.
        TimeoutStopSec=30

        # A user of its own, who owns nothing but /var/lib/overlay.
        DynamicUser=yes
        StateDirectory=overlay
        StateDirectoryMode=0700
        UMask=0077

        # Ports below 1024 need a capability, and it has none: listen above.
        CapabilityBoundingSet=
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=yes
        PrivateTmp=yes
        PrivateDevices=yes
        ProtectClock=yes
        ProtectControlGroups=yes
        ProtectHostname=yes
        ProtectKernelLogs=yes
        ProtectKernelModules=yes
        ProtectKernelTunables=yes
        ProtectProc=invisible
        LockPersonality=yes
        {(RuntimeFeature.IsDynamicCodeSupported ? "# A program that is compiled as it runs must be able to write code." : "MemoryDenyWriteExecute=yes")}
        RemoveIPC=yes
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged
        SystemCallErrorNumber=EPERM

        # What strangers may take of this machine, whatever happens.
        MemoryMax=512M
        TasksMax=256
        LimitNOFILE=4096
        Nice=5

        [Install]
        WantedBy=multi-user.target

        """.ReplaceLineEndings("\n");

    // A percent sign begins a specifier, a dollar sign a variable (systemd.unit(5), "Specifiers"; systemd.service(5), "Command lines").
    private static string Quote(string path) =>
        "\"" + path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal) + "\"";
}
