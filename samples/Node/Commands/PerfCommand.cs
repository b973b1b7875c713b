using System.CommandLine;
using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Transport.Perf;

namespace Overlay.Node.Commands;

/// <summary><c>overlay perf</c>: throughput with a peer that serves the perf protocol.</summary>
internal static class PerfCommand
{
    private static readonly ByteSize s_max = new(1UL << 50);

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("perf", "Measure throughput with a peer that serves the perf protocol.");
        var probe = new PeerProbe(command);
        var download = new Option<string>("--download") { HelpName = "SIZE", Description = "How much to receive.", DefaultValueFactory = _ => "256MiB" };
        var upload = new Option<string>("--upload") { HelpName = "SIZE", Description = "How much to send.", DefaultValueFactory = _ => "0" };
        command.Options.Add(download);
        command.Options.Add(upload);
        return tree.Complete(
            command,
            invocation =>
            {
                ulong down = Size(invocation, download).Bytes, up = Size(invocation, upload).Bytes;
                if (down + up == 0) throw new UsageException("--download and --upload are both 0: there is nothing to measure.");
                return probe.RunAsync(invocation, async (host, connection) =>
                {
                    PerfResult result = await invocation.Output.WithProgressAsync(
                        "measuring", up + down, progress => host.MeasureAsync(connection, up, down, progress, invocation.Stop).AsTask());
                    invocation.Output.Write(new Answer(up, down, result));
                });
            },
            $"overlay perf {PeerProbe.ExampleAddress} --download 1GiB --upload 64MiB");
    }

    private static ByteSize Size(Invocation invocation, Option<string> option)
    {
        string? text = invocation.Find(option);
        return ByteSize.TryParse(text, out ByteSize size) && size <= s_max
            ? size
            : throw new UsageException($"{option.Name} cannot be '{text}': it takes a size from 0 to 1024TiB, such as 256MiB.");
    }

    private sealed class Answer(ulong up, ulong down, PerfResult result) : IMessage
    {
        public string Event => "perf";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteNumber("uploaded"u8, up);
            json.WriteNumber("uploadSeconds"u8, result.Upload.TotalSeconds);
            json.WriteNumber("uploadMbps"u8, Units.MegabitsPerSecond(up, result.Upload));
            json.WriteNumber("downloaded"u8, down);
            json.WriteNumber("downloadSeconds"u8, result.Download.TotalSeconds);
            json.WriteNumber("downloadMbps"u8, Units.MegabitsPerSecond(down, result.Download));
        }

        public void WriteText(TextPage page)
        {
            if (up > 0) page.Field("sent", $"{Units.Size(up)} in {Units.Seconds(result.Upload)}: {Units.Rate(up, result.Upload)}");
            if (down > 0) page.Field("received", $"{Units.Size(down)} in {Units.Seconds(result.Download)}: {Units.Rate(down, result.Download)}");
        }
    }
}
