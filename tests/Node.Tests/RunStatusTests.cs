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
        var status = new RunStatus(totals, shares: true, uses: true, time);
        status.Look(0, []);
        totals.Add(new SessionScript(1, LedgerRole.Provider).Next());
        totals.Add(new SessionScript(2, LedgerRole.Consumer).Next());
        time.Advance(TimeSpan.FromSeconds(2));

        IReadOnlyList<string> cells = status.Look(3, [FakeDashboardNode.Session(1, 1_750_000, 750_000, 2048)]);

        Assert.Equal(["3", "1", "10.0 Mbit/s", "2.98 KiB", "0.000001 credits", "2.00 KiB", "1001 B", "0.000001 credits"], cells);
        Assert.Equal(status.Columns.Count, cells.Count);
    }

    [Theory]
    [InlineData(false, false, "peers")]
    [InlineData(true, false, "peers sessions rate served earned unpaid")]
    [InlineData(false, true, "peers used spent")]
    public void Columns_AreOfWhatTheNodeDoes(bool shares, bool uses, string columns)
    {
        var status = new RunStatus(new ReceiptTotals(), shares, uses, new FakeTimeProvider());
        Assert.Equal(columns, string.Join(' ', status.Columns.Select(column => column.Title)));
        Assert.Equal(status.Columns.Count, status.Look(0, []).Count);
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

        Task showing = output.ShowStatusAsync([new Column("peers")], () => { looks++; return []; }, new CancellationToken(canceled: true));
        await showing;

        Assert.DoesNotContain('\e', Encoding.UTF8.GetString(stream.ToArray()));
        Assert.True(isTerminal || looks == 0);
    }
}
