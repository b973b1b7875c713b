using Overlay.Discovery.Mdns;
using Overlay.Fuzzing.Engine;

namespace Overlay.Fuzzing.Targets;

/// <summary>Packets of multicast DNS: what is accepted can be written again, and then says the same.</summary>
internal sealed class DnsMessageTarget : FuzzTarget
{
    private static readonly DnsLimits s_limits = new MdnsOptions().Limits;

    internal override string Name => "dns-message";

    internal override int MaxSize => 4096;

    // A pointer of two bytes can stand for a name of 255, twice in each of 256 records and once in each of 64 questions.
    internal override int FixedAllocation => 256 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            DnsName service = DnsName.Parse("_p2p._udp.local"), instance = DnsName.Parse("0123456789abcdef._p2p._udp.local"),
                host = DnsName.Parse("0123456789abcdef.p2p.local");
            var pointer = new DnsRecord(service, DnsType.Ptr, 120, new DnsPointer(instance));
            yield return DnsWriter.Write(new DnsMessage { Questions = [new DnsQuestion(service, DnsType.Ptr)], Answers = [pointer] });
            yield return DnsWriter.Write(new DnsMessage
            {
                IsResponse = true,
                Answers = [pointer],
                Additionals =
                [
                    new DnsRecord(instance, DnsType.Txt, 120, new DnsText(["dnsaddr=/ip4/10.0.0.1/tcp/1"u8.ToArray()]), FlushesCache: true),
                    new DnsRecord(instance, DnsType.Srv, 120, new DnsService(4001, host), FlushesCache: true),
                    new DnsRecord(host, DnsType.A, 120, new DnsAddress(System.Net.IPAddress.Loopback), FlushesCache: true),
                ],
            });
            yield return [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        bool valid = DnsReader.TryRead(input, s_limits, out DnsMessage? message);
        meter.Stop();
        if (!valid) return false;
        Invariant.Holds(message!.Questions.Count <= s_limits.MaxQuestionCount, "A message keeps to the limit of questions.");
        Invariant.Holds(message.Answers.Count + message.Additionals.Count <= s_limits.MaxRecordCount, "A message keeps to the limit of records.");
        // Records of types that are not known here are read over and cannot be written.
        DnsMessage known = message with { Answers = [.. message.Answers.Where(IsKnown)], Additionals = [.. message.Additionals.Where(IsKnown)] };
        byte[] once = DnsWriter.Write(known);
        Invariant.Holds(DnsReader.TryRead(once, new DnsLimits(int.MaxValue, s_limits.MaxQuestionCount, s_limits.MaxRecordCount), out DnsMessage? again),
            "What was written can be read.");
        Invariant.Same((ReadOnlySpan<byte>)once, DnsWriter.Write(again!), "A message says the same when it is told on");
        return true;
    }

    private static bool IsKnown(DnsRecord record) => record.Data is not null;
}
