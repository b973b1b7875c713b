namespace Overlay.Counterparties;

/// <summary>Somebody who can be asked for blocks.</summary>
internal interface IChainSource
{
    /// <summary>How many more requests it takes.</summary>
    int Left { get; }

    /// <summary>Asks once.</summary>
    /// <exception cref="Overlay.Sessions.SessionException">No answer in time, or one that is none.</exception>
    ValueTask<LedgerAnswer> AskAsync(LedgerRequest request, CancellationToken cancellationToken);
}
