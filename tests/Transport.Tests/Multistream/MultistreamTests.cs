using System.Text;
using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport.Tests.Multistream;

public sealed class MultistreamTests
{
    private const string Ping = "/ipfs/ping/1.0.0", Perf = "/perf/1.0.0", Header = "/multistream/1.0.0";

    private static MultistreamListener PingListener(MultistreamOptions? limits = null) => new(name => name == Ping, () => [Ping], limits);

    [Fact]
    public void Proposal_OfADialer_IsHeaderAndFirstProtocolByteForByte() =>
        Assert.Equal("\u0013/multistream/1.0.0\n\u0011/ipfs/ping/1.0.0\n", Text(new MultistreamDialer(Ping, Perf).Proposal));

    [Fact]
    public void Negotiation_ProtocolSupported_TakesOneRoundTripAndTheEchoIsTheProposal()
    {
        var dialer = new MultistreamDialer(Ping);
        MultistreamListener listener = PingListener();
        MultistreamProgress answered = listener.Feed(dialer.Proposal.Span);
        Assert.Equal((MultistreamStatus.Accepted, Ping), (answered.Status, answered.Protocol));
        Assert.Equal(dialer.Proposal.ToArray(), answered.Reply.ToArray());
        MultistreamProgress accepted = dialer.Feed(answered.Reply.Span);
        Assert.Equal((MultistreamStatus.Accepted, Ping), (accepted.Status, accepted.Protocol));
        Assert.Equal((listener.SentSize, listener.ReceivedSize), (dialer.ReceivedSize, dialer.SentSize));
        Assert.Equal(dialer.Proposal.Length, dialer.SentSize);
    }

    [Fact]
    public void Negotiation_FirstProtocolsNotAvailable_FallsBackToTheNext()
    {
        var dialer = new MultistreamDialer(Perf, "/other/1", Ping);
        MultistreamListener listener = PingListener();
        (MultistreamProgress there, MultistreamProgress here) = Run(dialer, listener);
        Assert.Equal((MultistreamStatus.Accepted, Ping), (there.Status, there.Protocol));
        Assert.Equal((MultistreamStatus.Accepted, Ping), (here.Status, here.Protocol));
        Assert.Equal((listener.SentSize, listener.ReceivedSize), (dialer.ReceivedSize, dialer.SentSize));
    }

    [Fact]
    public void Negotiation_NothingAvailable_IsRefused()
    {
        (MultistreamProgress there, MultistreamProgress here) = Run(new MultistreamDialer(Perf, "/other/1"), PingListener());
        Assert.Equal(MultistreamStatus.NeedMore, there.Status);
        Assert.Equal(MultistreamStatus.Refused, here.Status);
        ConnectionException error = here.ToException(ConnectionStep.NegotiateProtocol);
        Assert.Equal(
            (ConnectionError.ProtocolNotSupported, ConnectionStep.NegotiateProtocol, Fault.Peer), (error.Reason, error.Step, error.Fault));
    }

    [Fact]
    public void Negotiation_CutAtEveryByte_AsksForMoreAndGoesOn()
    {
        byte[] proposal = new MultistreamDialer(Ping).Proposal.ToArray();
        for (int cut = 0; cut < proposal.Length; cut++)
        {
            MultistreamListener listener = PingListener();
            MultistreamProgress first = listener.Feed(proposal.AsSpan(0, cut));
            Assert.Equal((MultistreamStatus.NeedMore, cut), (first.Status, first.Consumed));
            MultistreamProgress second = listener.Feed(proposal.AsSpan(cut));
            Assert.Equal((MultistreamStatus.Accepted, proposal.Length - cut), (second.Status, second.Consumed));
            Assert.Equal(proposal, (byte[])[.. first.Reply.Span, .. second.Reply.Span]);

            var dialer = new MultistreamDialer(Ping);
            Assert.Equal((MultistreamStatus.NeedMore, cut), (dialer.Feed(proposal.AsSpan(0, cut)).Status, dialer.ReceivedSize));
            Assert.Equal(MultistreamStatus.Accepted, dialer.Feed(proposal.AsSpan(cut)).Status);
        }
    }

    [Fact]
    public void Negotiation_DataBehindAcceptance_IsLeftUntouched()
    {
        byte[] proposal = new MultistreamDialer(Ping).Proposal.ToArray();
        byte[] piped = [.. proposal, 1, 2, 3];
        MultistreamProgress answered = PingListener().Feed(piped);
        Assert.Equal((MultistreamStatus.Accepted, proposal.Length), (answered.Status, answered.Consumed));
        MultistreamProgress accepted = new MultistreamDialer(Ping).Feed(piped);
        Assert.Equal((MultistreamStatus.Accepted, proposal.Length), (accepted.Status, accepted.Consumed));
    }

    [Fact]
    public void Negotiation_InPiecesOfAnySize_EndsTheSame() =>
        Gen.Select(Gen.Int[1, 40].Array[1, 60], Gen.Byte.Array[0, 20]).Sample((pieces, tail) =>
        {
            byte[] input = [.. Lines(Header, Perf, "ls", Ping), .. tail];
            MultistreamListener whole = PingListener(), piecewise = PingListener();
            MultistreamProgress expected = whole.Feed(input);
            var reply = new List<byte>();
            MultistreamProgress last = default;
            int at = 0;
            for (int i = 0; last.Status == MultistreamStatus.NeedMore; i++)
            {
                last = piecewise.Feed(input.AsSpan(at, Math.Min(pieces[i % pieces.Length], input.Length - at)));
                at += last.Consumed;
                reply.AddRange(last.Reply.ToArray());
            }

            Assert.Equal((expected.Status, expected.Protocol, expected.Consumed), (last.Status, last.Protocol, at));
            Assert.Equal(expected.Reply.ToArray(), reply);
        });

    [Fact]
    public void Garbage_OfAnyKind_EndsWithATypedViolationOrWaits() =>
        Gen.Byte.Array[0, 200].Sample(garbage =>
        {
            foreach (byte[] input in new[] { garbage, [.. Lines(Header), .. garbage] })
            {
                AssertTyped(PingListener().Feed(input), input.Length);
                AssertTyped(new MultistreamDialer(Ping, Perf).Feed(input), input.Length);
            }
        });

    [Theory]
    [InlineData("00", nameof(MultistreamViolation.BadLength))]
    [InlineData("8000", nameof(MultistreamViolation.BadLength))]
    [InlineData("8100", nameof(MultistreamViolation.BadLength))]
    [InlineData("8108", nameof(MultistreamViolation.LineTooLong))]
    [InlineData("ffff", nameof(MultistreamViolation.LineTooLong))]
    [InlineData("0161", nameof(MultistreamViolation.NoNewline))]
    [InlineData("02ff0a", nameof(MultistreamViolation.NotText))]
    [InlineData("010a", nameof(MultistreamViolation.WrongHeader))]
    [InlineData("132f6d756c746973747265616d2f322e302e300a", nameof(MultistreamViolation.WrongHeader))]
    public void FirstLine_Malformed_IsThatViolationOnBothSides(string hex, string violation)
    {
        byte[] input = Convert.FromHexString(hex);
        foreach (MultistreamProgress progress in new[] { PingListener().Feed(input), new MultistreamDialer(Ping).Feed(input) })
        {
            Assert.Equal((MultistreamStatus.Violated, violation), (progress.Status, progress.Violation.ToString()));
            ConnectionException error = progress.ToException(ConnectionStep.NegotiateSecurity);
            Assert.Equal((ConnectionError.ProtocolViolation, Fault.Peer), (error.Reason, error.Fault));
        }
    }

    [Fact]
    public void Line_OfTheLongestSize_IsAnswered()
    {
        string longest = new('x', MultistreamLine.MaxSize - 1);
        MultistreamProgress progress = PingListener().Feed(Lines(Header, longest));
        Assert.Equal(MultistreamStatus.NeedMore, progress.Status);
        Assert.Equal(Lines(Header, "na"), progress.Reply.ToArray());
        var dialer = new MultistreamDialer(longest);
        Assert.Equal(MultistreamStatus.Accepted, dialer.Feed(dialer.Proposal.Span).Status);
    }

    [Fact]
    public void Dialer_AnswerIsAnotherProtocol_IsAViolation()
    {
        foreach (string answer in new[] { Perf, "", "ls", Header, Ping + "x", "NA" })
        {
            MultistreamProgress progress = new MultistreamDialer(Ping, Perf).Feed(Lines(Header, answer));
            Assert.Equal((MultistreamStatus.Violated, MultistreamViolation.UnexpectedAnswer), (progress.Status, progress.Violation));
        }
    }

    [Fact]
    public void Listener_ProposalsUpToTheLimit_AreAnsweredAndThenRefused()
    {
        MultistreamListener listener = PingListener(new MultistreamOptions { MaxProposalCount = 3 });
        Assert.Equal(Lines(Header, "na", "na", "na"), listener.Feed(Lines(Header, "a", "b", "c")).Reply.ToArray());
        MultistreamProgress over = listener.Feed(Lines(Ping));
        Assert.Equal((MultistreamStatus.Violated, MultistreamViolation.TooManyProposals), (over.Status, over.Violation));
        Assert.Equal(ConnectionError.LimitExceeded, over.ToException(ConnectionStep.NegotiateProtocol).Reason);
    }

    [Fact]
    public void Listener_AskedForTheList_NamesWhatALineHasRoomFor()
    {
        var listener = new MultistreamListener(_ => false, () => [Ping, Perf]);
        Assert.Equal((byte[])[.. Lines(Header), 32, .. Lines(Ping, Perf), (byte)'\n'], listener.Feed(Lines(Header, "ls")).Reply.ToArray());

        var crowded = new MultistreamListener(_ => false, () => Enumerable.Range(0, 1000).Select(i => $"/protocol/{i}"));
        byte[] reply = crowded.Feed(Lines(Header, "ls")).Reply.ToArray();
        Assert.InRange(reply.Length - Lines(Header).Length, 1000, MultistreamLine.MaxSize + 2);
    }

    [Theory]
    [InlineData("na")]
    [InlineData("ls")]
    [InlineData("")]
    [InlineData(Header)]
    public void Words_OfTheProtocolItself_AreNeverAProtocol(string word)
    {
        Assert.Throws<ArgumentException>(() => new MultistreamDialer(word));
        var listener = new MultistreamListener(_ => true, () => []);
        Assert.NotEqual(MultistreamStatus.Accepted, listener.Feed(Lines(Header, word)).Status);
    }

    [Fact]
    public void Dialer_NothingToPropose_IsTheCallersMistake()
    {
        Assert.Throws<ArgumentException>(() => new MultistreamDialer());
        Assert.Throws<ArgumentException>(() => new MultistreamDialer(new string('x', MultistreamLine.MaxSize)));
        Assert.Throws<ArgumentException>(() => new MultistreamDialer("a\nb"));
    }

    [Fact]
    public void Feed_AfterTheEnd_IsTheCallersMistake()
    {
        var dialer = new MultistreamDialer(Ping);
        dialer.Feed(dialer.Proposal.Span);
        Assert.Throws<InvalidOperationException>(() => dialer.Feed([1]));
    }

    private static void AssertTyped(MultistreamProgress progress, int inputSize)
    {
        Assert.InRange(progress.Consumed, 0, inputSize);
        Assert.Equal(progress.Status == MultistreamStatus.Violated, progress.Violation != MultistreamViolation.None);
    }

    private static (MultistreamProgress Listener, MultistreamProgress Dialer) Run(MultistreamDialer dialer, MultistreamListener listener)
    {
        ReadOnlyMemory<byte> toListener = dialer.Proposal;
        while (true)
        {
            MultistreamProgress there = listener.Feed(toListener.Span);
            MultistreamProgress here = dialer.Feed(there.Reply.Span);
            if (here.Status != MultistreamStatus.NeedMore) return (there, here);
            toListener = here.Reply;
        }
    }

    private static byte[] Lines(params string[] lines) => MultistreamLine.Encode(lines);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
