using System.CommandLine;

namespace Overlay.Node.Commands;

/// <summary><c>overlay claim</c>: evidence of what was served, made and checked.</summary>
internal static class ClaimCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("claim", "Prove to a third party how much this node has served, or check such a proof; offline.")
        {
            ClaimCreateCommand.Create(tree),
            ClaimVerifyCommand.Create(tree),
        };
        return tree.Complete(command, "overlay claim create --out served.claim", "overlay claim verify served.claim");
    }
}
