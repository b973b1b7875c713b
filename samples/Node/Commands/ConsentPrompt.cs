using Overlay.Sharing;

namespace Overlay.Node.Commands;

/// <summary>Puts the text of consent before a person on a terminal.</summary>
internal static class ConsentPrompt
{
    /// <summary>Shows the text on standard error, whole, and takes <c>yes</c> for yes and all else for no.</summary>
    /// <param name="terminal">What the person types.</param>
    /// <param name="error">What the person sees, whatever becomes of standard output.</param>
    internal static ConsentQuestion On(TextReader terminal, TextWriter error) => async (text, cancellationToken) =>
    {
        error.WriteLine(text.Text);
        error.Write("Type yes to share, or anything else not to: ");
        // A console's reader waits on the thread that asks it.
        string? answer = await Task.Run(terminal.ReadLine, cancellationToken).WaitAsync(cancellationToken);
        return answer?.Trim() == "yes" ? text.Accept(By("on a terminal")) : text.Decline();
    };

    /// <summary>Who this is, as the record names it.</summary>
    internal static string By(string how)
    {
        string user = new([.. Environment.UserName.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(64)]);
        return $"{(user.Length > 0 ? user : "somebody")}, overlay {how}";
    }

    /// <summary>Finds the consent for what is to be shared, or asks for it where there is somebody to ask.</summary>
    /// <exception cref="RefusalException">Nobody is there to ask, or the answer is no.</exception>
    internal static async Task<SharingConsent> RequireAsync(Invocation invocation, string folder, SharingOptions sharing)
    {
        ConsentQuestion ask = invocation.Terminal is { } terminal
            ? On(terminal, invocation.Error)
            : (_, _) => throw new RefusalException(
                $"sharing needs your consent, and there is no terminal to ask on: read 'overlay consent text', then run " +
                $"'overlay consent give --i-have-read-it {ConsentText.CurrentVersion} --data {folder}' with the flags that say what is shared");
        return await SharingConsent.AskAsync(folder, sharing, ask, null, invocation.Stop)
            ?? throw new RefusalException("you have not agreed: nothing is shared");
    }
}
