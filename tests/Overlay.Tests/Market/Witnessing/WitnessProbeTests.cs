using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Witnessing;

namespace Overlay.Tests.Market.Witnessing;

/// <summary>A look through an exit that lies.</summary>
public sealed class WitnessProbeTests
{
    private const int Size = 16 << 10;

    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly TargetVisit _visit = new(Size);
    private readonly Pipe _toExit = new(), _fromExit = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Look_ThroughAnExitThatPassesAllOn_HasTheTimesThatItTook()
    {
        Task<Sighting> looking = LookAsync();
        await EchoAsync(TargetVisit.EchoCount, TimeSpan.FromMilliseconds(20));
        _time.Advance(TimeSpan.FromMilliseconds(30));
        await _fromExit.Writer.WriteAsync(_visit.Down, Token);
        Assert.Equal(_visit.Up, await TakeAsync(Size));
        _time.Advance(TimeSpan.FromMilliseconds(10));
        await _fromExit.Writer.WriteAsync(_visit.Receipt, Token);

        Sighting seen = await looking;
        Assert.Equal(SightingOutcome.Reached, seen.Outcome);
        Assert.Equal(TimeSpan.FromMilliseconds(20), seen.RoundTrip);
        Assert.Equal((RateOver(50), RateOver(10)), (seen.Down, seen.Up));
    }

    [Fact]
    public async Task Look_ThroughAnExitThatHoldsTheLastEchoBackAndBursts_CountsTheWaiting()
    {
        Task<Sighting> looking = LookAsync();
        await EchoAsync(TargetVisit.EchoCount - 1, TimeSpan.FromMilliseconds(20));
        await TakeAsync(1);
        // All that is sent gathers at the exit meanwhile.
        _time.Advance(TimeSpan.FromSeconds(1));
        await _fromExit.Writer.WriteAsync((byte[])[_visit.Echoes[^1], .. _visit.Down], Token);
        await TakeAsync(Size);
        await _fromExit.Writer.WriteAsync(_visit.Receipt, Token);

        Assert.Equal(RateOver(1000), (await looking).Down);
    }

    [Fact]
    public async Task Look_ThroughAnExitThatSwallowsWhatItIsSentAndAnswersItself_IsNone()
    {
        Task<Sighting> looking = LookAsync();
        await EchoAsync(TargetVisit.EchoCount, TimeSpan.Zero);
        // All that it has seen pass.
        await _fromExit.Writer.WriteAsync((byte[])[.. _visit.Down, .. _visit.Echoes, .. _visit.Token], Token);
        await Assert.ThrowsAsync<IOException>(() => looking);
    }

    private static BitRate RateOver(int milliseconds) => new((ulong)(Size * 8.0 / (milliseconds / 1000.0)));

    private Task<Sighting> LookAsync()
    {
        _visit.Came(IPAddress.Loopback);
        return WitnessProbe.MeasureAsync(_fromExit.Reader, _toExit.Writer, _visit, _time, Token).AsTask();
    }

    private async Task EchoAsync(int count, TimeSpan roundTrip)
    {
        Assert.Equal(_visit.Token, await TakeAsync(TargetVisit.TokenSize));
        for (int i = 0; i < count; i++)
        {
            await TakeAsync(1);
            _time.Advance(roundTrip);
            await _fromExit.Writer.WriteAsync(_visit.Echoes.AsMemory(i, 1), Token);
        }
    }

    private async Task<byte[]> TakeAsync(int count)
    {
        ReadResult read = await _toExit.Reader.ReadAtLeastAsync(count, Token);
        byte[] taken = read.Buffer.Slice(0, count).ToArray();
        _toExit.Reader.AdvanceTo(read.Buffer.GetPosition(count));
        return taken;
    }
}
