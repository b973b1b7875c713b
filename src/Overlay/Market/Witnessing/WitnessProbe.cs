using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>What a look at a provider came to.</summary>
/// <param name="Outcome">Whether it says anything of the provider.</param>
/// <param name="Reason">Why not, in words; empty when it was reached.</param>
internal sealed record Sighting(SightingOutcome Outcome, string Reason)
{
    /// <summary>Through the exit to the own target and back.</summary>
    internal TimeSpan RoundTrip { get; init; }

    internal BitRate Down { get; init; }

    internal BitRate Up { get; init; }

    /// <summary>From where the exit came.</summary>
    internal IPAddress? Exit { get; init; }
}

/// <summary>Whether a look says anything of the provider.</summary>
internal enum SightingOutcome
{
    /// <summary>It served.</summary>
    Reached,

    /// <summary>It could not be reached, or did not serve.</summary>
    NotReached,

    /// <summary>The exit did not reach the target, or nothing of it came there, which may be the target's fault.</summary>
    TargetNotReached,

    /// <summary>It asks too much, its rules do not let anybody reach the target, or the target was full: no word about it either way.</summary>
    NotJudged,
}

/// <summary>Gives the hash of the newest block that a provider had sealed before an epoch, as it shows its chain on a connection; zeros when it shows
/// none.</summary>
internal delegate ValueTask<Digest> PastBlock(PeerConnection connection, PublicKey provider, ulong epoch, CancellationToken cancellationToken);

/// <summary>Lets a look's host answer what a consumer's does: providers ask consumers for their ledgers.</summary>
internal delegate void FurnishHost(PeerHost host, PublicKey key, ILedgerStore ledger);

/// <summary>One look at a provider, as an ordinary consumer: a fresh key on a connection of its own, a small session, receipts like anybody's, and what goes
/// to the own target and comes back.</summary>
internal sealed class WitnessProbe : IAsyncDisposable
{
    // Until a provider has answered a dial.
    private static readonly TimeSpan s_dialTime = TimeSpan.FromSeconds(15);

    private readonly PeerIdentity _identity = PeerIdentity.Generate();
    private readonly InMemoryLedgerStore _ledger = new();
    private readonly PeerHost _host;
    private readonly WitnessOptions _options;
    private readonly TimeProvider _time;
    private PeerConnection? _connection;

    internal WitnessProbe(WitnessOptions options, TransportOptions transport, FurnishHost furnish, TimeProvider time)
    {
        _options = options;
        _time = time;
        _host = new PeerHost(_identity, transport with { ServePerf = false }, null, time);
        furnish(_host, new PublicKey(_identity.PublicKey.Data.Span), _ledger);
    }

    /// <summary>Connects; null when the provider does not answer.</summary>
    internal async ValueTask<PeerConnection?> ConnectAsync(Watched provider, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_dialTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return _connection = await _host.ConnectAsync(provider.Peer, provider.Addresses, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>Buys and measures, behind <see cref="ConnectAsync"/>.</summary>
    internal async ValueTask<Sighting> LookAsync(WitnessTarget target, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_options.ProbeTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        TargetVisit visit = target.Expect();
        var sessions = new ConsumerSessions(new IdentitySigner(_identity), _ledger, new SessionOptions(), _time, peers: _host);
        await using ConfiguredAsyncDisposable closing = sessions.ConfigureAwait(false);
        bool isThrough = false;
        try
        {
            var terms = new SessionWish { MaxPricePerGiB = Price.ToMicroCredits(_options.MaxPricePerGiB) };
            ConsumerSession session = await sessions.OpenAsync(_connection!, terms, either.Token).ConfigureAwait(false);
            MeteredStream stream = await session.ConnectAsync(_options.TargetHost, _options.TargetPort, either.Token).ConfigureAwait(false);
            isThrough = true;
            await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
            return await MeasureAsync(stream.Input, stream.Output, visit, _time, either.Token).ConfigureAwait(false);
        }
        catch (ConnectRefusedException e)
        {
            return new Sighting(e.Code is ConnectCode.Policy or ConnectCode.NotAllowed ? SightingOutcome.NotJudged
                : e.Code is ConnectCode.HostUnreachable or ConnectCode.NetworkUnreachable or ConnectCode.ConnectionRefused or ConnectCode.TimedOut
                    ? visit.OutcomeOfFailure
                : SightingOutcome.NotReached, e.Message);
        }
        catch (SessionException e) when (e.Reason == SessionError.WrongTerms)
        {
            return new Sighting(SightingOutcome.NotJudged, e.Message);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new Sighting(isThrough ? visit.OutcomeOfFailure : SightingOutcome.NotReached, e.Message);
        }
        finally
        {
            target.GiveUp(visit);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync().ConfigureAwait(false);
        await _ledger.DisposeAsync().ConfigureAwait(false);
        _identity.Dispose();
    }

    /// <summary>Talks to the target through an exit, and takes the times.</summary>
    /// <exception cref="IOException">The exit broke off, or brought other bytes than the target sent.</exception>
    internal static async ValueTask<Sighting> MeasureAsync(
        PipeReader input, PipeWriter output, TargetVisit visit, TimeProvider time, CancellationToken cancellationToken)
    {
        await WriteAsync(output, visit.Token, cancellationToken).ConfigureAwait(false);
        byte[] one = [0];
        TimeSpan roundTrip = TimeSpan.MaxValue;
        long asked = 0;
        for (int i = 0; i < TargetVisit.EchoCount; i++)
        {
            asked = time.GetTimestamp();
            await WriteAsync(output, one, cancellationToken).ConfigureAwait(false);
            await ExpectAsync(input, visit.Echoes.AsMemory(i, 1), cancellationToken).ConfigureAwait(false);
            TimeSpan took = time.GetElapsedTime(asked);
            // The best: what is longer had to wait somewhere.
            if (took < roundTrip) roundTrip = took;
        }

        // From the last question on: what comes right behind its answer could be gathered by an exit that holds the answer back.
        await ExpectAsync(input, visit.Down, cancellationToken).ConfigureAwait(false);
        TimeSpan down = time.GetElapsedTime(asked);
        long began = time.GetTimestamp();
        await WriteAsync(output, visit.Up, cancellationToken).ConfigureAwait(false);
        await ExpectAsync(input, visit.Receipt, cancellationToken).ConfigureAwait(false);
        TimeSpan up = time.GetElapsedTime(began);
        return new Sighting(SightingOutcome.Reached, "")
        {
            RoundTrip = roundTrip,
            Down = RateOf(visit.Down.Length, down),
            Up = RateOf(visit.Up.Length, up),
            Exit = await visit.From.WaitAsync(cancellationToken).ConfigureAwait(false),
        };
    }

    private static BitRate RateOf(int bytes, TimeSpan took) => new((ulong)(bytes * 8.0 / Math.Max(took.TotalSeconds, 1e-6)));

    private static async ValueTask WriteAsync(PipeWriter output, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        FlushResult flushed = await output.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new IOException("The exit takes no more bytes.");
    }

    private static async ValueTask ExpectAsync(PipeReader input, ReadOnlyMemory<byte> expected, CancellationToken cancellationToken)
    {
        while (expected.Length > 0)
        {
            ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (read.Buffer.IsEmpty && (read.IsCompleted || read.IsCanceled)) throw new IOException("The exit ended the stream too soon.");
            ReadOnlySequence<byte> taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, expected.Length));
            bool isRight = taken.ToArray().AsSpan().SequenceEqual(expected.Span[..(int)taken.Length]);
            expected = expected[(int)taken.Length..];
            input.AdvanceTo(taken.End);
            if (!isRight) throw new IOException("The exit brought other bytes than the target sent.");
        }
    }
}
