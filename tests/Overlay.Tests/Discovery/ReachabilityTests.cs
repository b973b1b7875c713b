using System.Net;
using System.Net.Sockets;
using Overlay.Discovery.Reachability;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class ReachabilityTests
{
    private static readonly ReachabilityOptions s_options = new();
    private static readonly ILookup<AddressFamily, int> s_ports = new[] { (AddressFamily.InterNetwork, 4001) }.ToLookup(pair => pair.Item1, pair => pair.Item2);

    private static IPAddress Observer(int group) => IPAddress.Parse($"20.{group}.0.1");

    [Fact]
    public void Observed_SeveralGroupsAgree_IsACandidateAtTheListenPort()
    {
        var observed = new ObservedAddresses(s_options);
        for (int group = 1; group <= 2; group++) observed.Add(Observer(group), Peers.At("30.0.0.1", 50_000 + group), wasDialled: false, Peers.Start);
        Assert.Empty(observed.Confirmed(s_ports, Peers.Start));

        observed.Add(Observer(3), Peers.At("30.0.0.1", 50_003), wasDialled: false, Peers.Start);

        Assert.Equal([Peers.At("30.0.0.1", 4001)], observed.Confirmed(s_ports, Peers.Start));
        Assert.Empty(observed.Confirmed(s_ports, Peers.Start + s_options.ObservationLifetime));
        Assert.Equal(0, observed.Count);
    }

    [Fact]
    public void Observed_ManyOfOneGroup_CountOnce()
    {
        var observed = new ObservedAddresses(s_options);
        for (int i = 1; i < 200; i++) observed.Add(IPAddress.Parse($"20.1.0.{i}"), Peers.At("30.0.0.1"), wasDialled: true, Peers.Start);

        Assert.Empty(observed.Confirmed(s_ports, Peers.Start));
    }

    [Fact]
    public void Observed_ByThoseWhoDialled_KeepsThePortTheyDialled()
    {
        var observed = new ObservedAddresses(s_options);
        for (int group = 1; group <= 3; group++) observed.Add(Observer(group), Peers.At("30.0.0.1", 6000), wasDialled: true, Peers.Start);

        Assert.Equal([Peers.At("30.0.0.1", 6000)], observed.Confirmed(s_ports, Peers.Start));
    }

    [Theory]
    [InlineData("192.168.1.7", "20.1.0.1")]
    [InlineData("30.0.0.1", "192.168.1.1")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    public void Observed_PrivateOnEitherSide_DoesNotCount(string seen, string observer)
    {
        var observed = new ObservedAddresses(s_options with { MinObservers = 1 });
        observed.Add(IPAddress.Parse(observer), Peers.At(seen), wasDialled: true, Peers.Start);

        Assert.Equal(0, observed.Count);
    }

    [Fact]
    public void Observed_LiesWithoutEnd_TakeBoundedRoomAndLeaveTheTruth()
    {
        var observed = new ObservedAddresses(s_options);
        for (int group = 1; group <= 3; group++) observed.Add(Observer(group), Peers.At("30.0.0.1"), wasDialled: true, Peers.Start);
        for (int i = 0; i < 1000; i++) observed.Add(Observer(9), Peers.At($"31.0.{i / 250}.{i % 250}"), wasDialled: true, Peers.Start);

        Assert.InRange(observed.Count, 1, 64);
        Assert.Equal([Peers.At("30.0.0.1")], observed.Confirmed(s_ports, Peers.Start));
    }

    [Fact]
    public void Report_EnoughServersReachedOne_IsPublic()
    {
        var state = new ReachabilityState(s_options);
        state.SetCandidates([Peers.At("30.0.0.1"), Peers.At("30.0.0.2")]);
        state.Add(Peers.At("30.0.0.1"), "a", reached: true, Peers.Start);
        state.Add(Peers.At("30.0.0.1"), "b", reached: true, Peers.Start);
        Assert.Equal(ReachabilityVerdict.Unknown, state.Report(Peers.Start).Verdict);

        // One group's second word is no third.
        state.Add(Peers.At("30.0.0.1"), "b", reached: true, Peers.Start);
        Assert.Equal(ReachabilityVerdict.Unknown, state.Report(Peers.Start).Verdict);
        state.Add(Peers.At("30.0.0.1"), "c", reached: true, Peers.Start);

        ReachabilityReport report = state.Report(Peers.Start);
        Assert.Equal(ReachabilityVerdict.Public, report.Verdict);
        Assert.Equal([Peers.At("30.0.0.1")], report.Confirmed);
        Assert.Equal(ReachabilityVerdict.Unknown, state.Report(Peers.Start + 2 * s_options.RecheckInterval).Verdict);
    }

    [Fact]
    public void Report_AllTriedInVain_IsPrivate()
    {
        var state = new ReachabilityState(s_options);
        state.SetCandidates([Peers.At("30.0.0.1")]);
        foreach (string group in (string[])["a", "b", "c"]) state.Add(Peers.At("30.0.0.1"), group, reached: false, Peers.Start);
        Assert.Equal(ReachabilityVerdict.Private, state.Report(Peers.Start).Verdict);

        state.SetCandidates([Peers.At("30.0.0.1"), Peers.At("30.0.0.2")]);
        Assert.Equal(ReachabilityVerdict.Unknown, state.Report(Peers.Start).Verdict);
    }

    [Fact]
    public void Report_ServersContradictEachOther_IsUnknown()
    {
        var state = new ReachabilityState(s_options);
        state.SetCandidates([Peers.At("30.0.0.1")]);
        for (int i = 0; i < 6; i++) state.Add(Peers.At("30.0.0.1"), $"group{i}", i % 2 == 0, Peers.Start);

        Assert.Equal(ReachabilityVerdict.Unknown, state.Report(Peers.Start).Verdict);
    }

    [Fact]
    public void ToAsk_OneServer_IsAskedAboutEachAddressOnceUntilTheRecheck()
    {
        var state = new ReachabilityState(s_options);
        Multiaddr[] addresses = [Peers.At("30.0.0.1"), Peers.At("30.0.0.2")];
        state.SetCandidates(addresses);
        for (int i = 0; i < 2; i++) state.Add(state.ToAsk("a", Peers.Start)[0], "a", reached: true, Peers.Start);

        Assert.Empty(state.ToAsk("a", Peers.Start));
        Assert.Equal(2, state.ToAsk("b", Peers.Start).Count);
        Assert.Equal(2, state.ToAsk("a", Peers.Start + s_options.RecheckInterval).Count);
    }

    [Fact]
    public void SetCandidates_TooMany_TakesNoMoreThanAllowed()
    {
        var state = new ReachabilityState(s_options);
        state.SetCandidates([.. Enumerable.Range(1, 100).Select(port => Peers.At("30.0.0.1", port))]);

        Assert.Equal(s_options.MaxCandidateCount, state.Report(Peers.Start).Candidates.Count);
    }
}
