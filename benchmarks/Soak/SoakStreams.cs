using System.IO.Pipelines;
using Overlay.Transport.Connections;

namespace Overlay.Benchmarks.Soak;

/// <summary>Both ends of a planned stream. Each checks what it receives, waits for the stream's end and reports its two counts.</summary>
internal sealed class SoakStreams(SoakContent content, Pace pace, SoakOutput output)
{
    internal const string Protocol = "/overlay/soak/1";

    // Without a byte in either direction; on a machine with other work a process may not run for a while.
    private static readonly TimeSpan s_stalled = TimeSpan.FromMinutes(3);

    private readonly CheckedPipes _pipes = new(content, pace);
    private long _ended;
    private long _bytes;

    /// <summary>Streams that have come to their end here, of both roles.</summary>
    internal long EndedCount => Volatile.Read(ref _ended);

    /// <summary>Payload sent and received here on streams that have ended.</summary>
    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Opens a stream and does what is planned on it.</summary>
    /// <exception cref="ConnectionException">The stream could not be opened. What happens later is reported and not thrown.</exception>
    internal async Task OpenAsync(PeerConnection connection, StreamPlan plan)
    {
        using var deadline = new StallDeadline(s_stalled);
        await using PeerStream stream = await connection.OpenStreamAsync(Protocol, deadline.Token);
        await EndAsync(stream, plan, isNear: true, NearAsync(stream, plan, deadline));
    }

    /// <summary>The handler of <see cref="Protocol"/>. It does without the connection's token: what has arrived before an orderly close is still read.</summary>
    internal async Task ServeAsync(PeerStream stream)
    {
        using var deadline = new StallDeadline(s_stalled);
        StreamPlan plan;
        try
        {
            ReadResult head = await stream.Input.ReadAtLeastAsync(StreamPlan.Size, deadline.Token);
            if (head.Buffer.Length < StreamPlan.Size) return;
            plan = ReadPlan(head);
            stream.Input.AdvanceTo(head.Buffer.GetPosition(StreamPlan.Size));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // A stream that was reset before anybody here knew its name; its opener reports nothing of it either.
            return;
        }

        await EndAsync(stream, plan, isNear: false, FarAsync(stream, plan, deadline));
    }

    private async Task NearAsync(PeerStream stream, StreamPlan plan, StallDeadline deadline)
    {
        plan.Write(stream.Output.GetSpan(StreamPlan.Size));
        stream.Output.Advance(StreamPlan.Size);
        if (plan.Upload == 0 || plan.Kind == StreamKind.NearReset) await stream.Output.FlushAsync(deadline.Token);
        if (plan.Kind == StreamKind.NearReset)
        {
            await ExpectGreetingAsync(stream.Input, deadline);
            await Task.WhenAll(
                ReceiveAsync(stream, plan, isUpload: false, plan.Download, deadline),
                UploadAndResetAsync());
        }
        else if (plan.Kind == StreamKind.Echo)
        {
            await ExchangeAsync(stream, plan, deadline);
        }
        else
        {
            await Task.WhenAll(SendAndEndAsync(stream, plan, isUpload: true, deadline), DownloadAsync());
        }

        async Task UploadAndResetAsync()
        {
            await SendAsync(stream, plan, isUpload: true, plan.Upload, deadline);
            stream.Abort("The plan says so.");
        }

        async Task DownloadAsync()
        {
            await ExpectGreetingAsync(stream.Input, deadline);
            await ReceiveAsync(stream, plan, isUpload: false, plan.Download, deadline);
            await CheckedPipes.ExpectEndAsync(stream.Input, deadline);
        }
    }

    private async Task FarAsync(PeerStream stream, StreamPlan plan, StallDeadline deadline)
    {
        await stream.Output.WriteAsync(new[] { StreamPlan.Greeting }, deadline.Token);
        switch (plan.Kind)
        {
            case StreamKind.Echo:
                long echoed = await _pipes.EchoAsync(stream.Input, stream.Output, SoakContent.PageOf(plan.Id, isUpload: true), deadline);
                if (echoed != plan.Upload) throw new SoakFault($"{echoed} bytes came to be echoed, {plan.Upload} were planned");
                await stream.Output.CompleteAsync();
                break;
            case StreamKind.FarReset:
                await Task.WhenAll(SendAsync(stream, plan, isUpload: false, plan.Download, deadline), ReceiveHalfAndResetAsync());
                break;
            default:
                if (plan.Kind == StreamKind.Back) await GoBackAsync(stream.Connection, plan);
                await Task.WhenAll(SendAndEndAsync(stream, plan, isUpload: false, deadline), ReceiveAllAsync());
                break;
        }

        async Task ReceiveHalfAndResetAsync()
        {
            await ReceiveAsync(stream, plan, isUpload: true, plan.Upload / 2, deadline);
            stream.Abort("The plan says so.");
        }

        async Task ReceiveAllAsync()
        {
            await ReceiveAsync(stream, plan, isUpload: true, plan.Upload, deadline);
            await CheckedPipes.ExpectEndAsync(stream.Input, deadline);
        }
    }

    private async Task GoBackAsync(PeerConnection connection, StreamPlan plan)
    {
        try
        {
            await OpenAsync(connection, plan with { Id = plan.Id | StreamPlan.BackBit, Kind = StreamKind.Transfer });
        }
        catch (ConnectionException e) when (e.Reason is ConnectionError.GoAway or ConnectionError.Closed)
        {
            // The dialler is closing the connection already, and takes no more streams.
        }
    }

    /// <summary>Sees a stream to its end, whatever happens on it.</summary>
    private async Task EndAsync(PeerStream stream, StreamPlan plan, bool isNear, Task work)
    {
        try
        {
            await work;
        }
        catch (ConnectionException e) when (plan.Kind is StreamKind.NearReset or StreamKind.FarReset && e.Reason is ConnectionError.StreamReset or ConnectionError.StreamAborted)
        {
            // As planned.
        }
        catch (ConnectionException e) when (isNear && plan.Id >= StreamPlan.BackBit && e.Reason == ConnectionError.StreamReset && stream.BytesReceived == 0)
        {
            // The dialler was closing the connection, which this end could not know yet.
            output.Refused(plan);
            return;
        }
        catch (Exception e) when (e is IOException or SoakFault or OperationCanceledException)
        {
            output.Fault(plan.Connection, $"{(isNear ? "near" : "far")} end of {plan}: {e.Message}");
            stream.Abort("The soak's stream failed.");
        }

        try
        {
            await stream.Completion.WaitAsync(s_stalled);
        }
        catch (TimeoutException)
        {
            output.Fault(plan.Connection, $"{(isNear ? "near" : "far")} end of {plan}: no completion");
            return;
        }

        Interlocked.Increment(ref _ended);
        Interlocked.Add(ref _bytes, stream.BytesSent + stream.BytesReceived);
        output.Stream(plan, isNear, stream.BytesSent, stream.BytesReceived);
    }

    /// <summary>One message after another, each compared when it has come back.</summary>
    private async Task ExchangeAsync(PeerStream stream, StreamPlan plan, StallDeadline deadline)
    {
        int page = SoakContent.PageOf(plan.Id, isUpload: true);
        bool isGreeted = false;
        for (long position = 0; position < plan.Upload;)
        {
            long count = Math.Min(plan.Chunk, plan.Upload - position);
            await _pipes.SendAsync(stream.Output, page, position, count, plan.Chunk, deadline);
            if (!isGreeted) await ExpectGreetingAsync(stream.Input, deadline);
            isGreeted = true;
            await _pipes.ReceiveAsync(stream.Input, page, position, count, deadline);
            position += count;
        }

        await stream.Output.CompleteAsync();
        await CheckedPipes.ExpectEndAsync(stream.Input, deadline);
    }

    private Task SendAsync(PeerStream stream, StreamPlan plan, bool isUpload, long count, StallDeadline deadline) =>
        _pipes.SendAsync(stream.Output, SoakContent.PageOf(plan.Id, isUpload), 0, count, plan.Chunk, deadline);

    private async Task SendAndEndAsync(PeerStream stream, StreamPlan plan, bool isUpload, StallDeadline deadline)
    {
        await SendAsync(stream, plan, isUpload, isUpload ? plan.Upload : plan.Download, deadline);
        await stream.Output.CompleteAsync();
    }

    private Task ReceiveAsync(PeerStream stream, StreamPlan plan, bool isUpload, long count, StallDeadline deadline) =>
        _pipes.ReceiveAsync(stream.Input, SoakContent.PageOf(plan.Id, isUpload), 0, count, deadline);

    private static async Task ExpectGreetingAsync(PipeReader input, StallDeadline deadline)
    {
        ReadResult result = await input.ReadAtLeastAsync(1, deadline.Token);
        if (result.Buffer.IsEmpty || result.Buffer.FirstSpan[0] != StreamPlan.Greeting) throw new SoakFault("the stream did not begin with the greeting");
        input.AdvanceTo(result.Buffer.GetPosition(1));
    }

    private static StreamPlan ReadPlan(ReadResult head)
    {
        Span<byte> bytes = stackalloc byte[StreamPlan.Size];
        System.Buffers.BuffersExtensions.CopyTo(head.Buffer.Slice(0, StreamPlan.Size), bytes);
        return StreamPlan.Read(bytes);
    }
}
