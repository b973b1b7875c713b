using Overlay.Discovery.Bootstrap;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class DnsAddrResolverTests
{
    private static readonly PeerId s_a = Peers.New(), s_b = Peers.New();

    private static async Task<(IReadOnlyList<string> Found, TableOfTexts Texts)> ResolveAsync(
        string address, Dictionary<string, string[]> table, BootstrapOptions? options = null)
    {
        var texts = new TableOfTexts(table);
        IReadOnlyList<Multiaddr> found = await new DnsAddrResolver(texts, options ?? new BootstrapOptions()).ResolveAsync(Multiaddr.Parse(address),
            Peers.Cancellation);
        return ([.. found.Select(one => one.ToString())], texts);
    }

    [Fact]
    public async Task Resolve_LinksOfLinks_AreFollowed()
    {
        (IReadOnlyList<string> found, _) = await ResolveAsync("/dnsaddr/example.org", new()
        {
            ["_dnsaddr.example.org"] = [$"dnsaddr=/dnsaddr/a.example.org/p2p/{s_a}", "v=spf1 -all", "dnsaddr=nonsense",
                $"dnsaddr=/ip4/1.1.1.1/tcp/1/p2p/{s_b}"],
            ["_dnsaddr.a.example.org"] = [$"dnsaddr=/ip4/2.2.2.2/tcp/2/p2p/{s_a}", $"dnsaddr=/ip4/3.3.3.3/tcp/3/p2p/{s_b}"],
        });

        // What the second name says of another peer than the one it was named for is left out.
        Assert.Equal([$"/ip4/1.1.1.1/tcp/1/p2p/{s_b}", $"/ip4/2.2.2.2/tcp/2/p2p/{s_a}"], found);
    }

    [Fact]
    public async Task Resolve_NamesInACircle_EndsAndAsksEachOnce()
    {
        (IReadOnlyList<string> found, TableOfTexts texts) = await ResolveAsync("/dnsaddr/a.example", new()
        {
            ["_dnsaddr.a.example"] = ["dnsaddr=/dnsaddr/b.example"],
            ["_dnsaddr.b.example"] = ["dnsaddr=/dnsaddr/A.example", "dnsaddr=/dnsaddr/b.example"],
        });

        Assert.Empty(found);
        Assert.Equal(2, texts.Asked.Count);
    }

    [Fact]
    public async Task Resolve_EndlessChain_StopsAtTheDepth()
    {
        Dictionary<string,
            string[]> table = Enumerable.Range(0, 50).ToDictionary(i => $"_dnsaddr.n{i}.example", i => new[] { $"dnsaddr=/dnsaddr/n{i + 1}.example" });

        (_, TableOfTexts texts) = await ResolveAsync("/dnsaddr/n0.example", table, new BootstrapOptions { MaxDepth = 3 });

        Assert.Equal(3, texts.Asked.Count);
    }

    [Fact]
    public async Task Resolve_WideTree_StopsAtTheQuestions()
    {
        Dictionary<string, string[]> table = new() { ["_dnsaddr.root.example"] = [.. Enumerable.Range(0, 50).Select(i => $"dnsaddr=/dnsaddr/n{i}.example")] };

        (_, TableOfTexts texts) = await ResolveAsync("/dnsaddr/root.example", table, new BootstrapOptions { MaxLookupCount = 5 });

        Assert.Equal(5, texts.Asked.Count);
    }

    [Fact]
    public async Task Resolve_ManyAddresses_TakesNoMoreThanAllowed()
    {
        Dictionary<string, string[]> table = new()
        {
            ["_dnsaddr.root.example"] = [.. Enumerable.Range(1, 500)
            .Select(port => $"dnsaddr=/ip4/1.1.1.1/tcp/{port}/p2p/{s_a}")]
        };

        (IReadOnlyList<string> found, _) = await ResolveAsync("/dnsaddr/root.example", table, new BootstrapOptions { MaxAddressCount = 7 });

        Assert.Equal(7, found.Count);
    }

    [Fact]
    public async Task Resolve_NoDnsAddr_IsItself()
    {
        (IReadOnlyList<string> found, TableOfTexts texts) = await ResolveAsync($"/ip4/1.1.1.1/tcp/1/p2p/{s_a}", []);

        Assert.Equal([$"/ip4/1.1.1.1/tcp/1/p2p/{s_a}"], found);
        Assert.Empty(texts.Asked);
    }
}
