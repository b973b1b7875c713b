namespace Overlay.Interop.Tests.Harness;

/// <summary>The whole road on real sockets: nginx, a provider process before it, a consumer process before that. Nodes can be killed and started again.</summary>
internal sealed class Chain : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly int _providerPort = RealTools.FreePort();

    private Chain(TemporaryFolder folder, Nginx origin)
    {
        _folder = folder;
        Origin = origin;
        ProviderData = folder.CreateFolder("provider");
        ConsumerData = folder.CreateFolder("consumer");
        Copies = folder;
    }

    internal Nginx Origin { get; }

    internal OverlayNodeProcess Provider { get; private set; } = null!;

    internal OverlayNodeProcess Consumer { get; private set; } = null!;

    internal string ProviderData { get; }

    internal string ConsumerData { get; }

    /// <summary>Where a test may put what it downloads.</summary>
    internal TemporaryFolder Copies { get; }

    internal static async Task<Chain> StartAsync()
    {
        Nginx origin = await Nginx.StartAsync();
        var chain = new Chain(new TemporaryFolder(), origin);
        try
        {
            await chain.StartProviderAsync();
            await chain.StartConsumerAsync();
            return chain;
        }
        catch
        {
            await chain.DisposeAsync();
            throw;
        }
    }

    internal async Task StartProviderAsync() => Provider = await OverlayNodeProcess.StartProviderAsync(ProviderData, _providerPort, Origin.Port);

    internal async Task StartConsumerAsync() => Consumer = await OverlayNodeProcess.StartConsumerAsync(ConsumerData, Provider.Address);

    /// <summary>Ends both nodes with SIGTERM, the consumer first, so that its last receipts find the provider.</summary>
    internal async Task StopAsync()
    {
        await Consumer.StopAsync();
        await Provider.StopAsync();
    }

    /// <summary>Checks that both ledgers verify and name the same totals for every leg; gives the legs.</summary>
    internal async Task<IReadOnlyList<LedgerLeg>> AssertLedgersAgreeAsync()
    {
        await OverlayCli.SucceedAsync("ledger", "verify", "--data", ProviderData);
        await OverlayCli.SucceedAsync("ledger", "verify", "--data", ConsumerData);
        IReadOnlyList<LedgerLeg> provided = await LedgerLeg.ListAsync(ProviderData);
        IReadOnlyList<LedgerLeg> consumed = await LedgerLeg.ListAsync(ConsumerData);
        Assert.NotEmpty(consumed);
        Assert.Equal(consumed.Select(leg => leg.Agreed), provided.Select(leg => leg.Agreed));
        Assert.All(provided, leg => Assert.Equal("provider", leg.Role));
        Assert.All(consumed, leg => Assert.Equal("consumer", leg.Role));
        Assert.All(consumed.Concat(provided), leg => Assert.True(leg.Countersigned && leg.Final, $"{leg} is not settled."));
        return consumed;
    }

    public async ValueTask DisposeAsync()
    {
        if (Consumer is not null) await Consumer.DisposeAsync();
        if (Provider is not null) await Provider.DisposeAsync();
        await Origin.DisposeAsync();
        _folder.Dispose();
    }
}
