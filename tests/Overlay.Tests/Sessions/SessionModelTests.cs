using System.Globalization;
using CsCheck;

namespace Overlay.Tests.Sessions;

/// <summary>Generated histories against the state machines. OVERLAY_MODEL_ITERATIONS sets how many (a million takes hours; the default takes seconds).</summary>
public class SessionModelTests
{
    private static readonly Gen<(int Action, int Size)[]> s_histories =
        Gen.Select(Gen.Int[0, 25], Gen.OneOf(Gen.Int[0, 40_000], Gen.Int[0, 1_500_000])).Array[1, 120];

    private static int Iterations =>
        int.TryParse(Environment.GetEnvironmentVariable("OVERLAY_MODEL_ITERATIONS"), CultureInfo.InvariantCulture, out int iterations) ? iterations : 60;

    [Fact]
    public void Session_HonestPairThroughCrashesAndCuts_EndsWithEqualLedgers() => s_histories.Sample(
        history =>
        {
            var model = Run(Liar.Nobody, history);
            model.FinishHonestly();
            model.CheckConsumerPaidForWhatArrived();
        },
        iter: Iterations);

    [Fact]
    public void Session_LyingConsumer_TakesNoMoreThanTheCreditWindow() => s_histories.Sample(history => Run(Liar.Consumer, history), iter: Iterations);

    [Fact]
    public void Session_LyingProvider_IsPaidForNothingThatDidNotArrive() => s_histories.Sample(
        history => Run(Liar.Provider, history).CheckConsumerPaidForWhatArrived(), iter: Iterations);

    private static SessionModel Run(Liar liar, (int Action, int Size)[] history)
    {
        var model = new SessionModel(liar);
        model.Do(0, int.MaxValue - 1);
        foreach ((int action, int size) in history) model.Do(action, size);
        return model;
    }
}
