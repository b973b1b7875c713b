using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Sharing;

namespace Overlay.Fuzzing.Targets;

/// <summary>The host that a consumer asks an exit for: an address or a name, and the same one when it is read again.</summary>
internal sealed class TargetHostTarget : FuzzTarget
{
    internal override string Name => "target-host";

    internal override int MaxSize => 260;

    internal override IEnumerable<byte[]> Seeds =>
        new[] { "example.com", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1", "127.1", "0x7f.0.0.1", "localhost.", "xn--bcher-kva.example", "a_b.c", "-a.b", "1.2.3.04", "a.0x1" }
            .Select(Encoding.ASCII.GetBytes);

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        string text = Encoding.Latin1.GetString(input);
        meter.Start();
        bool valid = TargetHost.TryParse(text, out TargetHost host, out string? reason);
        meter.Stop();
        Invariant.Same(valid, reason is null, "A refusal has a reason");
        if (!valid) return false;
        Invariant.Holds(host.Address is null != host.Name is null, "A host is an address or a name.");
        string printed = host.Name ?? host.Address!.ToString();
        Invariant.Holds(TargetHost.TryParse(printed, out TargetHost again, out _) && again.Name == host.Name && Equals(again.Address, host.Address), $"A host is read again from its text: {printed}");
        if (host.Name is not null) Invariant.Holds(!System.Net.IPAddress.TryParse(host.Name, out _), $"No resolver takes a name for an address: {host.Name}");
        return true;
    }
}
