using System.Security.Cryptography;
using System.Text;
using Overlay.Proofs;

namespace Overlay.Sharing;

/// <summary>What an owner is to read before others may use the line, filled in with what would be opened.</summary>
public sealed class ConsentText
{
    /// <summary>The version of the text that this library asks with. A consent to an older one is asked for again.</summary>
    public const int CurrentVersion = 1;

    internal ConsentText(Region region, IReadOnlyList<PortRange> ports, bool allowPrivateTargets)
    {
        Text = Write(region, ports, allowPrivateTargets);
        Hash = new Digest(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
    }

    /// <summary>The text that will be asked with, to show it without asking.</summary>
    public static ConsentText Of(SharingOptions sharing)
    {
        ArgumentNullException.ThrowIfNull(sharing);
        return new ConsentText(sharing.Region, GuardedPorts.Join(sharing.OpenPorts), sharing.AllowPrivateTargets);
    }

    /// <summary>The version of the text, without what is filled in.</summary>
    public int Version { get; } = CurrentVersion;

    /// <summary>The text to be shown whole and unchanged, in English, lines ended by a line feed.</summary>
    public string Text { get; }

    /// <summary>SHA-256 of <see cref="Text"/> in UTF-8, as the record will hold it.</summary>
    public Digest Hash { get; }

    /// <summary>The owner has read the text and says yes.</summary>
    /// <param name="by">Who says so, and by what, in the program's words, such as <c>Ada, overlay run on a terminal</c>: 1 to 128 characters. It is evidence,
    /// and is shown with the consent from then on.</param>
    /// <exception cref="ArgumentException">The name is empty, too long, or has control characters in it.</exception>
    public ConsentAnswer Accept(string by)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(by);
        if (by.Length > SharingConsent.MaxNameLength || by.Any(char.IsControl) || by.Any(char.IsSurrogate))
            throw new ArgumentException($"The name has 1 to {SharingConsent.MaxNameLength} characters of the basic plane, none of them a control character.",
                nameof(by));
        return new ConsentAnswer(Hash, by);
    }

    /// <summary>The owner says no, or nothing.</summary>
    public ConsentAnswer Decline() => new(Hash, null);

    private static string Write(Region region, IReadOnlyList<PortRange> ports, bool allowPrivateTargets) => $"""
        SHARING YOUR INTERNET CONNECTION (text {CurrentVersion})

        If you agree, strangers use the Internet through your connection while this program runs.

        What they can do through your line
        - They open connections to places on the Internet that they choose. Those places see your address, not theirs.
        - If one of them does something hostile or unlawful, the first questions may come to you: from your provider,
          from a service that was attacked, from the police.
        - What they transfer takes part of your line's speed, and counts where your contract counts. Your contract may
          forbid sharing or selling the line; that is for you to know.

        What is refused
        - Every port that is not listed below.
        - Addresses of this computer, of your home or company network and of cloud metadata services, unless it says OPEN below.
        - A consumer that looks for open doors rather than for a page, and one that does not pay.
        This keeps out much, not everything: nobody looks into what is transferred, and most of it is encrypted.

        What is recorded
        - Receipts stay on this computer: the consumer's key, amounts, times and price; never a target.
        - What was refused, with its target, stays on this computer. What was reached is recorded only if you ask for it.
        - Your agreement is recorded beside them, signed with this node's key: this text's version and hash, the time, and who said yes.

        What you can do
        - Take this back at any moment, in the program that asked or with 'overlay consent withdraw': open connections
          are cut at once, and nobody is served until you agree again.
        - Stop a consumer, close ports, names and networks.

        What would be opened
          region       {region}
          ports        {string.Join(", ", ports)}
          own network  {(allowPrivateTargets ? "OPEN: strangers reach this computer and everything on its networks" : "closed")}

        """.ReplaceLineEndings("\n");
}

/// <summary>An owner's answer to one <see cref="ConsentText"/>.</summary>
public sealed class ConsentAnswer
{
    internal ConsentAnswer(Digest text, string? by)
    {
        Text = text;
        By = by;
    }

    /// <summary>The text that is answered.</summary>
    internal Digest Text { get; }

    /// <summary>Who has said yes; null for no.</summary>
    internal string? By { get; }
}

/// <summary>Shows an owner the text, in full, and brings back the answer.</summary>
/// <param name="text">What is to be shown.</param>
/// <param name="cancellationToken">Nobody waits for an answer any more.</param>
public delegate ValueTask<ConsentAnswer> ConsentQuestion(ConsentText text, CancellationToken cancellationToken);
