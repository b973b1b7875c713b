using System.Text;
using Microsoft.Extensions.Time.Testing;
using Overlay.Node.Commands;
using Overlay.Node.Output;
using Overlay.Node.Tests.Dashboard;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

namespace Overlay.Node.Tests;

public sealed class RunStatusTests
{
    [Fact]
    public void Look_Twice_TellsTheRateBetweenAndWhatWasEarned()
    {
        var time = new FakeTimeProvider();
        var totals = new ReceiptTotals();
        var status = new RunStatus(totals, time);
        status.Look(0, []);
        totals.Add(new SessionScript(1, LedgerRole.Provider).Next());
        time.Advance(TimeSpan.FromSeconds(2));

        IReadOnlyList<string> cells = status.Look(3, [FakeDashboardNode.Session(1, 1_750_000, 750_000, 2048)]);

        Assert.Equal(["3", "1", "10.0 Mbit/s", "2.98 KiB", "0.000001 credits", "2.00 KiB"], cells);
        Assert.Equal(RunStatus.Columns.Count, cells.Count);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Status_WhereNobodySeesIt_IsNotEvenLookedFor(bool isTerminal, bool isJson)
    {
        using var stream = new MemoryStream();
        // A stream that is no console is not interactive, whatever is said of it.
        IOutput output = isJson ? new JsonOutput(stream) : new TextOutput(stream, isTerminal, wantsColour: false);
        int looks = 0;

        Task showing = output.ShowStatusAsync(RunStatus.Columns, () => { looks++; return []; }, new CancellationToken(canceled: true));
        await showing;

        Assert.DoesNotContain('\e', Encoding.UTF8.GetString(stream.ToArray()));
        Assert.True(isTerminal || looks == 0);
    }
}
