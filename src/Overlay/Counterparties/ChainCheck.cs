using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;

namespace Overlay.Counterparties;

/// <summary>What a node learns from a peer about the peer's chain, its own and others', and what it does about it: docs/protocols/ledger.md, Exchange.</summary>
/// <remarks>Believes no word of the peer but the signatures in what it shows. One object serves all exchanges; each has a source of its own.</remarks>
internal sealed class ChainCheck(PublicKey self, ILedgerStore store, LedgerSealer sealer, ExchangeOptions options, ILogger logger)
{
    // Blocks of a chain that was followed: those at its end are kept, see IPeerChainStore. Requests left for what comes after following.
    private const int KeptCount = 8, Reserve = 12;

    /// <summary>Awaited with the key of a peer that was found to have forked, once the proof is kept.</summary>
    internal Func<PublicKey, Task>? ForkFound { get; set; }

    /// <summary>One exchange with a peer.</summary>
    /// <exception cref="Sessions.SessionException">The peer broke a rule, or did not answer. What was learned until then is kept.</exception>
    /// <exception cref="LedgerException">The ledger cannot be read or written.</exception>
    internal async ValueTask RunAsync(PublicKey peer, IChainSource source, CancellationToken cancellationToken)
    {
        source = new EvidenceKeeper(this, source);
        await CheckSelfAsync(source, cancellationToken).ConfigureAwait(false);
        LedgerBlock? shown = await CheckPeerAsync(peer, source, cancellationToken).ConfigureAwait(false);
        if (shown is not null) await CheckHeadsAsync(peer, shown, source, cancellationToken).ConfigureAwait(false);
    }

    // Answers the block that the peer's chain ends with, if it may be believed.
    private async ValueTask<LedgerBlock?> CheckPeerAsync(PublicKey peer, IChainSource source, CancellationToken cancellationToken)
    {
        LedgerAnswer answer = await source.AskAsync(LedgerRequest.Newest(peer), cancellationToken).ConfigureAwait(false);
        LedgerBlock? shown = answer.Blocks.Count == 0 ? null : answer.Blocks[0];
        if (answer.Fork is not null) return null;
        IReadOnlyList<LedgerBlock> kept = await store.FindPeerBlocksAsync(peer, cancellationToken).ConfigureAwait(false);
        if (kept.Count == 0) return shown is not null && await TrySaveAsync(shown, cancellationToken).ConfigureAwait(false) ? shown : null;

        LedgerBlock known = kept[^1];
        if (shown is null || LedgerChain.Compare(known.Head, shown.Head) == HeadComparison.Behind)
        {
            // It will learn so from this side's answer, and take its blocks back if it is honest.
            ExchangeLog.PeerIsBehind(logger, peer, shown?.Body.Sequence, known.Body.Sequence);
            if (shown is not null && kept.FirstOrDefault(block => block.Body.Sequence == shown.Body.Sequence) is { } same && same.Hash != shown.Hash)
                await KeepForkAsync(same, shown).ConfigureAwait(false);
            return null;
        }

        if (LedgerChain.Compare(known.Head, shown.Head) == HeadComparison.Fork)
        {
            await KeepForkAsync(known, shown).ConfigureAwait(false);
            return null;
        }

        return await FollowAsync(known, shown, source, cancellationToken).ConfigureAwait(false) ? shown : null;
    }

    // Whether the block shown continues the one known. If so, the end of what lies between is kept.
    private async ValueTask<bool> FollowAsync(LedgerBlock known, LedgerBlock shown, IChainSource source, CancellationToken cancellationToken)
    {
        var end = new Queue<LedgerBlock>();
        LedgerBlock last = known;
        if (shown.Body.Sequence - known.Body.Sequence > (ulong)options.MaxFollowed)
        {
            if (await AskOneAsync(known.Body.Author, known.Body.Sequence, source, cancellationToken).ConfigureAwait(false) is not { } again) return Unfollowable(known, "it does not show the block that is known");
            if (again.Hash != known.Hash) return await KeepForkAsync(known, again).ConfigureAwait(false);
            last = shown;
        }

        while (last.Body.Sequence < shown.Body.Sequence)
        {
            // What was followed so far hangs together with what was known, and the next exchange goes on from there.
            if (source.Left <= Reserve)
            {
                await SaveAsync(end, cancellationToken).ConfigureAwait(false);
                return false;
            }

            ulong first = last.Body.Sequence + 1;
            int count = (int)Math.Min(LedgerRequest.MaxCount, shown.Body.Sequence - last.Body.Sequence);
            LedgerAnswer run = await source.AskAsync(new LedgerRequest(known.Body.Author, first, count), cancellationToken).ConfigureAwait(false);
            if (run.Blocks.Count == 0) return Unfollowable(known, $"it does not show block {first}");
            foreach (LedgerBlock next in run.Blocks)
            {
                if (LedgerChain.ObjectToSuccessor(last, next) is { } objection)
                {
                    // Another block before this one: only the author can show it.
                    if (next.Body.Sequence == last.Body.Sequence + 1 && next.Body.PreviousBlockHash != last.Hash
                        && await AskOneAsync(known.Body.Author, last.Body.Sequence, source, cancellationToken).ConfigureAwait(false) is { } other && other.Hash != last.Hash)
                        return await KeepForkAsync(last, other).ConfigureAwait(false);
                    return Unfollowable(known, $"block {next.Body.Sequence}: {objection}");
                }

                last = next;
                end.Enqueue(next);
                if (end.Count > KeptCount) end.Dequeue();
            }
        }

        if (last.Hash != shown.Hash) return await KeepForkAsync(last, shown).ConfigureAwait(false);
        if (end.Count == 0) end.Enqueue(shown);
        return await SaveAsync(end, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> SaveAsync(IEnumerable<LedgerBlock> blocks, CancellationToken cancellationToken)
    {
        foreach (LedgerBlock block in blocks)
            if (!await TrySaveAsync(block, cancellationToken).ConfigureAwait(false)) return false;
        return true;
    }

    // False when its author has shown another in its place meanwhile, on another connection.
    private async ValueTask<bool> TrySaveAsync(LedgerBlock block, CancellationToken cancellationToken)
    {
        try
        {
            await store.SavePeerBlockAsync(block, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LedgerException e) when (e.Reason == LedgerError.Contradiction)
        {
            IReadOnlyList<LedgerBlock> kept = await store.FindPeerBlocksAsync(block.Body.Author, CancellationToken.None).ConfigureAwait(false);
            if (kept.FirstOrDefault(other => other.Body.Sequence == block.Body.Sequence) is { } other) await KeepForkAsync(other, block).ConfigureAwait(false);
            return false;
        }
    }

    // What the peer knows of this node's own chain: more than this node does after a restored backup.
    private async ValueTask CheckSelfAsync(IChainSource source, CancellationToken cancellationToken)
    {
        LedgerAnswer answer = await source.AskAsync(LedgerRequest.Newest(self), cancellationToken).ConfigureAwait(false);
        if (answer.Fork is not null) return;
        if (answer.Blocks is not [LedgerBlock shown])
        {
            sealer.Confirm();
            return;
        }

        LedgerBlock? own = await store.FindLatestBlockAsync(cancellationToken).ConfigureAwait(false);
        if (own is not null && shown.Body.Sequence <= own.Body.Sequence)
        {
            if (await CompareOwnAsync(shown, cancellationToken).ConfigureAwait(false)) sealer.Confirm();
            return;
        }

        // The newest one that is shown wins; of those before it as many as are shown and hang together.
        ulong first = own is null ? 0 : own.Body.Sequence + 1;
        first = Math.Max(first, shown.Body.Sequence < LedgerRequest.MaxCount ? 0 : shown.Body.Sequence - LedgerRequest.MaxCount + 1);
        LedgerAnswer lost = await source.AskAsync(new LedgerRequest(self, first, (int)(shown.Body.Sequence - first) + 1), cancellationToken).ConfigureAwait(false);
        var run = new List<LedgerBlock> { shown };
        foreach (LedgerBlock block in lost.Blocks.Reverse().SkipWhile(block => block.Body.Sequence >= shown.Body.Sequence))
        {
            if (LedgerChain.ObjectToSuccessor(block, run[0]) is not null) break;
            run.Insert(0, block);
        }

        if (own is not null && run[0].Body.Sequence == own.Body.Sequence + 1 && run[0].Body.PreviousBlockHash != own.Hash)
        {
            // The block before it is one that this node has signed in the place of its own newest.
            if (await AskOneAsync(self, own.Body.Sequence, source, cancellationToken).ConfigureAwait(false) is { } other && other.Hash != own.Hash) await KeepForkAsync(own, other).ConfigureAwait(false);
            else sealer.Stop($"A peer shows block {run[0].Body.Sequence} of this node's own chain, which does not follow block {own.Body.Sequence} as it is kept here.");
            return;
        }

        try
        {
            await sealer.AdoptAsync(run).ConfigureAwait(false);
            sealer.Confirm();
        }
        catch (LedgerException e) when (e.Reason == LedgerError.Contradiction)
        {
            // A block was sealed here meanwhile: perhaps in the place of one of these.
            foreach (LedgerBlock block in run) await CompareOwnAsync(block, cancellationToken).ConfigureAwait(false);
        }
    }

    // The heads that the peer's block names: two peers that were shown two histories meet here.
    private async ValueTask CheckHeadsAsync(PublicKey peer, LedgerBlock shown, IChainSource source, CancellationToken cancellationToken)
    {
        int contradictions = 0;
        foreach (LedgerHead head in shown.Body.Heads)
        {
            if (contradictions == options.MaxContradictions) return;
            if (head.Author == peer) continue;
            LedgerBlock? known = head.Author == self
                ? await FindOwnAsync(head.Sequence, cancellationToken).ConfigureAwait(false)
                : (await store.FindPeerBlocksAsync(head.Author, cancellationToken).ConfigureAwait(false)).FirstOrDefault(block => block.Body.Sequence == head.Sequence);
            if (known is null || known.Hash == head.BlockHash) continue;
            contradictions++;
            // A hash accuses nobody; the block behind it does.
            if (await AskOneAsync(head.Author, head.Sequence, source, cancellationToken).ConfigureAwait(false) is { } other && other.Hash != known.Hash) await KeepForkAsync(known, other).ConfigureAwait(false);
        }
    }

    // Whether what is shown is what is kept, or nothing is kept in its place.
    private async ValueTask<bool> CompareOwnAsync(LedgerBlock shown, CancellationToken cancellationToken) =>
        await FindOwnAsync(shown.Body.Sequence, cancellationToken).ConfigureAwait(false) is not { } own || own.Hash == shown.Hash
        || await KeepForkAsync(own, shown).ConfigureAwait(false);

    private async ValueTask<LedgerBlock?> FindOwnAsync(ulong sequence, CancellationToken cancellationToken)
    {
        await foreach (LedgerBlock block in store.ReadBlocksAsync(sequence, cancellationToken).ConfigureAwait(false)) return block.Body.Sequence == sequence ? block : null;
        return null;
    }

    private static async ValueTask<LedgerBlock?> AskOneAsync(PublicKey author, ulong sequence, IChainSource source, CancellationToken cancellationToken) =>
        (await source.AskAsync(new LedgerRequest(author, sequence, 1), cancellationToken).ConfigureAwait(false)).Blocks is [LedgerBlock block] ? block : null;

    // Evidence is not given up for a connection that ends: no token. Answers false, as what has forked is not to be followed.
    private async ValueTask<bool> KeepForkAsync(LedgerBlock one, LedgerBlock other)
    {
        if (!ForkProof.TryCreate(one, other, out ForkProof? proof)) return false;
        bool isNew = !await store.HasForkedAsync(proof.Author, CancellationToken.None).ConfigureAwait(false);
        await store.SaveForkProofAsync(proof, CancellationToken.None).ConfigureAwait(false);
        if (proof.Author == self)
        {
            sealer.Stop($"This node has signed two different blocks {proof.Sequence}, as after going on from a restored backup. Others refuse its key from now on; start with a new one.");
            return false;
        }

        if (!isNew) return false;
        ExchangeLog.ForkFound(logger, proof.Author, proof.Sequence);
        if (ForkFound is { } found) await found(proof.Author).ConfigureAwait(false);
        return false;
    }

    private bool Unfollowable(LedgerBlock known, string reason)
    {
        ExchangeLog.NotFollowed(logger, known.Body.Author, known.Body.Sequence, reason);
        return false;
    }

    /// <summary>Keeps every proof that comes with an answer, whatever was asked for.</summary>
    private sealed class EvidenceKeeper(ChainCheck check, IChainSource source) : IChainSource
    {
        public int Left => source.Left;

        public async ValueTask<LedgerAnswer> AskAsync(LedgerRequest request, CancellationToken cancellationToken)
        {
            LedgerAnswer answer = await source.AskAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer.Fork is { } fork) await check.KeepForkAsync(fork.First, fork.Second).ConfigureAwait(false);
            return answer;
        }
    }
}
