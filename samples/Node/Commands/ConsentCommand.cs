using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Node.Configuration;
using Overlay.Node.Output;
using Overlay.Sharing;

namespace Overlay.Node.Commands;

/// <summary><c>overlay consent</c>: the owner's consent to share, and taking it back.</summary>
internal static class ConsentCommand
{
    private static readonly Setting[] s_terms = [Settings.Data, Settings.Region, Settings.AllowPort, Settings.AllowPrivateTargets];

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("consent", "Read, give, show or withdraw the consent without which nothing is shared.")
        {
            CreateText(tree), CreateGive(tree), CreateShow(tree), CreateWithdraw(tree),
        };
        return tree.Complete(command, "overlay consent text", "overlay consent withdraw");
    }

    private static Command CreateText(CommandTree tree)
    {
        var command = new Command("text", "Show the text that sharing asks consent to, filled in as the flags say.");
        var options = new SettingOptions(command, s_terms);
        return tree.Complete(command, invocation =>
        {
            invocation.Output.Write(new TextAnswer(ConsentText.Of(RunOptions.Sharing(invocation.Read(options)))));
            return Task.FromResult(ExitCode.Done);
        }, "overlay consent text", "overlay consent text --region DE --allow-port 8080");
    }

    private static Command CreateGive(CommandTree tree)
    {
        var read = new Option<int?>("--i-have-read-it")
        {
            HelpName = "VERSION",
            Description = "For scripts: the version of the text that you have read. Without it the text is shown and the answer asked for."
        };
        var command = new Command("give", "Give consent to share as the flags say.") { read };
        var options = new SettingOptions(command, s_terms);
        return tree.Complete(command, async invocation =>
        {
            SettingValues settings = invocation.Read(options);
            string folder = DataFolder.Of(settings);
            SharingOptions sharing = RunOptions.Sharing(settings);
            SharingConsent consent;
            if (invocation.Find(read) is not { } version)
            {
                consent = await ConsentPrompt.RequireAsync(invocation, folder, sharing);
            }
            else
            {
                if (version != ConsentText.CurrentVersion)
                    throw new RefusalException($"the text is now version {ConsentText.CurrentVersion} and not {version}: read 'overlay consent text'");
                ConsentQuestion answer = (text, _) => ValueTask.FromResult(text.Accept(ConsentPrompt.By("consent give --i-have-read-it")));
                consent = (await SharingConsent.AskAsync(folder, sharing, answer, null, invocation.Stop))!;
            }

            invocation.Output.Write(new ConsentMessage("consent", consent));
            return ExitCode.Done;
        }, "overlay consent give --region DE", $"overlay consent give --i-have-read-it {ConsentText.CurrentVersion} --region DE --allow-port 8080");
    }

    private static Command CreateShow(CommandTree tree)
    {
        var command = new Command("show", "Show the consent that was given, also one that was withdrawn.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, invocation =>
        {
            string folder = DataFolder.Of(invocation.Read(options));
            invocation.Output.Write(new ConsentMessage("consent", SharingConsent.Find(folder) ?? throw None(folder)));
            return Task.FromResult(ExitCode.Done);
        }, "overlay consent show", "overlay consent show --data /var/lib/overlay --json");
    }

    private static Command CreateWithdraw(CommandTree tree)
    {
        var command = new Command("withdraw", "Withdraw the consent: a node that runs cuts what is open within a second and serves nobody.");
        var options = new SettingOptions(command, Settings.Data);
        return tree.Complete(command, invocation =>
        {
            string folder = DataFolder.Of(invocation.Read(options));
            invocation.Output.Write(new ConsentMessage("consent", SharingConsent.Withdraw(folder) ?? throw None(folder)));
            return Task.FromResult(ExitCode.Done);
        }, "overlay consent withdraw", "overlay consent withdraw --data /var/lib/overlay");
    }

    private static RefusalException None(string folder) => new($"there is no consent in {folder}; nothing is shared from there");

    private sealed class TextAnswer(ConsentText text) : IMessage
    {
        public string Event => "consent-text";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteNumber("version"u8, text.Version);
            json.WriteString("hash"u8, text.Hash.ToString());
            json.WriteString("text"u8, text.Text);
        }

        public void WriteText(TextPage page)
        {
            foreach (string line in text.Text.Split('\n')) page.Line(line);
        }
    }
}

/// <summary>A consent as the commands tell it.</summary>
internal sealed class ConsentMessage(string name, SharingConsent consent) : IMessage
{
    public string Event => name;

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteBoolean("inForce"u8, consent.IsInForce);
        json.WriteNumber("textVersion"u8, consent.TextVersion);
        json.WriteString("textHash"u8, consent.TextHash.ToString());
        json.WriteString("givenAt"u8, consent.GivenAt);
        json.WriteString("givenBy"u8, consent.GivenBy);
        json.WriteString("region"u8, consent.Region.Code);
        json.WriteStartArray("ports"u8);
        foreach (PortRange range in consent.Ports) json.WriteStringValue(range.ToString());
        json.WriteEndArray();
        json.WriteBoolean("allowPrivateTargets"u8, consent.AllowPrivateTargets);
        if (consent.WithdrawnAt is { } at) json.WriteString("withdrawnAt"u8, at);
        else json.WriteNull("withdrawnAt"u8);
    }

    public void WriteText(TextPage page)
    {
        if (consent.IsInForce) page.Good("The consent to share is in force.");
        else page.Bad(consent.WithdrawnAt is null ? "The consent is to an older text: it is asked for again." : "The consent is withdrawn: nothing is shared.");
        page.Field("given", $"{Time(consent.GivenAt)} by {consent.GivenBy}");
        page.Field("text", $"version {consent.TextVersion}, SHA-256 {consent.TextHash}");
        page.Field("region", consent.Region.Code);
        page.Field("ports", string.Join(", ", consent.Ports));
        page.Field("own network", consent.AllowPrivateTargets ? "open" : "closed");
        if (consent.WithdrawnAt is { } at) page.Field("withdrawn", Time(at));
    }

    internal static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
