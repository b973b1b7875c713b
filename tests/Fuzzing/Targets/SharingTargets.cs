using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Sessions.Messages;
using Overlay.Sharing;
using Overlay.Sharing.Limits;

namespace Overlay.Fuzzing.Targets;

/// <summary>An owner's consent as it lies on disk: raw, or any body signed well.</summary>
/// <remarks>Input: a byte for the kind, then the record (0), or the body of one to be signed by the node.</remarks>
internal sealed class ConsentTarget : FuzzTarget
{
    internal override string Name => "consent";

    // A curve's arithmetic.
    internal override int FixedAllocation => 32 * 1024;

    private static SharingConsent Sample { get; } = SharingConsent.AskForAsync(
        FuzzKeys.OwnSigner,
        new SharingOptions { Region = Region.Parse("DE"), AllowedPorts = [443, 8080] },
        (text, _) => ValueTask.FromResult(text.Accept("An owner")),
        StoppedTime.Instance,
        CancellationToken.None).GetAwaiter().GetResult()!;

    private static byte[] Body => SignedEnvelope.TryDecode(Sample.Encoded, Sample.Encoded.Length, out SignedEnvelope envelope) ? envelope.Body.ToArray() : [];

    internal override IEnumerable<byte[]> Seeds => [[0, .. Sample.Encoded], [0, .. Sample.WithdrawWith(FuzzKeys.OwnSigner, StoppedTime.Instance).Encoded], [1, .. Body]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        byte[] encoded = parts.TakeByte() == 0 ? parts.Rest.ToArray() : Signed(parts.Rest);
        meter.Start();
        bool valid = SharingConsent.TryOpen(encoded, FuzzKeys.OwnSigner.PublicKey, out SharingConsent? consent);
        meter.Stop();
        if (!valid) return false;
        Invariant.Same(encoded.AsSpan(), consent!.Encoded, "A consent is told on as it was signed");
        Invariant.Holds(consent.Node == FuzzKeys.OwnSigner.PublicKey && consent.TextVersion > 0, "A consent is of the node that signed it, to a text.");
        Invariant.Holds(consent.Ports.All(range => range.First is >= 1 and <= 65535 && range.First <= range.Last && range.Last <= 65535), "Ports are ports.");
        // Whoever has withdrawn shares nothing, whatever else the record says.
        var sharing = new SharingOptions { Region = consent.Region, AllowPrivateTargets = consent.AllowPrivateTargets };
        Invariant.Holds(consent.WithdrawnAt is null || consent.FindObjection(sharing) is not null, "What was withdrawn allows nothing.");
        return true;
    }

    private static byte[] Signed(ReadOnlySpan<byte> body) => SignedEnvelope.Sign(FuzzKeys.OwnSigner, "overlay/consent/1\0"u8, [], body.ToArray()).Encode();
}

/// <summary>An owner's limits as they lie on disk, where people write them too: what is accepted is written, and read again, as the same limits.</summary>
internal sealed class LimitsTarget : FuzzTarget
{
    internal override string Name => "limits-file";

    // A document's tables and an exception, of which the message names the nearest right word.
    internal override int FixedAllocation => 64 * 1024;

    internal override IEnumerable<byte[]> Seeds => new[]
    {
        "{}", "{ \"maxUpload\": 20000000, \"maxDownload\": null, }", "{\"dailyQuota\":\"500GiB\",\"monthlyQuota\":1099511627776,\"resetDay\":28,\"hibernate\":true}",
        "{\"schedule\":[\"mon-fri 22:00-07:00\",\"sat,sun 00:00-24:00\"],\"yield\":false} // a comment", "{\"whenOnBattery\":\"pause\",\"whenMetered\":\"serve\",\"paused\":true}",
    }.Select(Encoding.UTF8.GetBytes);

    internal override IReadOnlyList<byte[]> Words =>
        [.. new[] { "\"yield\"", "\"schedule\"", "\"resetDay\"", "daily 00:00-24:00", "\\ud800", "1e3" }.Select(Encoding.UTF8.GetBytes)];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        byte[] text = input.ToArray();
        OwnerLimits limits;
        try
        {
            meter.Start();
            limits = LimitsText.Read(text);
        }
        catch (FormatException e)
        {
            Invariant.Holds(e.Message.Length > 0 && !e.Message.Contains('\n', StringComparison.Ordinal), "A refusal says why, in a line.");
            return false;
        }
        finally
        {
            meter.Stop();
        }

        byte[] written = LimitsText.Write(limits);
        Invariant.Same(written.AsSpan(), LimitsText.Write(LimitsText.Read(written)), "Limits are read as they were written");
        return true;
    }
}
