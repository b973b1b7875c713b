using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Discovery.Mdns;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class MdnsServiceTests
{
    private readonly FakeTimeProvider _time = Peers.Clock();
    private readonly FakeLan _lan = new();

    private (MdnsService Service, Task<MdnsPeer> Heard, Task Gone) Join(string ip, PeerId self)
    {
        var heard = new TaskCompletionSource<MdnsPeer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = new MdnsService(
            _lan.Join(ip), self, new MdnsOptions(), () => [Peers.At(ip).WithPeerId(self)],
            peers =>
            {
                if (peers.Count > 0) heard.TrySetResult(peers[0]);
                else gone.TrySetResult();
            },
            _time, new Random(3), NullLogger.Instance);
        return (service, heard.Task, gone.Task);
    }

    [Fact]
    public async Task Run_TwoNodesOnALan_HearEachOtherAndTheGoodbye()
    {
        PeerId a = Peers.New(), b = Peers.New();
        (MdnsService first, Task<MdnsPeer> firstHeard, Task firstGone) = Join("10.0.0.1", a);
        (MdnsService second, Task<MdnsPeer> secondHeard, _) = Join("10.0.0.2", b);

        MdnsPeer heardByFirst = await _time.UntilAsync(firstHeard, TimeSpan.FromMilliseconds(50));
        MdnsPeer heardBySecond = await _time.UntilAsync(secondHeard, TimeSpan.FromMilliseconds(50));
        Assert.Equal((b, Peers.At("10.0.0.2")), (heardByFirst.Peer, heardByFirst.Addresses[0]));
        Assert.Equal((a, Peers.At("10.0.0.1")), (heardBySecond.Peer, heardBySecond.Addresses[0]));

        await second.DisposeAsync();
        Assert.True(await _time.UntilAsync(firstGone.ContinueWith(_ => true, TaskScheduler.Default), TimeSpan.FromMilliseconds(50)));
        await first.DisposeAsync();
    }
}
