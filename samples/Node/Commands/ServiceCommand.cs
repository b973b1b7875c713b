using System.CommandLine;

namespace Overlay.Node.Commands;

/// <summary><c>overlay service</c>: the node as a service of the system.</summary>
internal static class ServiceCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("service", "Run the node as a service of the system.") { ServiceInstallCommand.Create(tree) };
        return tree.Complete(command, "overlay service install --config /etc/overlay/node.json");
    }
}
