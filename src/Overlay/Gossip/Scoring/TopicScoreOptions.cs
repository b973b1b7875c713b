namespace Overlay.Gossip.Scoring;

/// <summary>What a peer's conduct in one topic does to its score (gossipsub v1.1, "Topic Parameter Calculation"). Immutable; change with <c>with</c>.</summary>
public sealed record TopicScoreOptions
{
    /// <summary>Weight of the topic among all. 1. Zero or above.</summary>
    public double TopicWeight { get; init => field = OptionChecks.NotNegative(value); } = 1;

    /// <summary>Weight of P1, time in the mesh. 0.0027. Zero or above.</summary>
    public double TimeInMeshWeight { get; init => field = OptionChecks.NotNegative(value); } = 0.0027;

    /// <summary>Time in the mesh that counts one. 1 s. 1 ms to 1 h.</summary>
    public TimeSpan TimeInMeshQuantum
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
    } = TimeSpan.FromSeconds(1);

    /// <summary>Most that P1 counts. 3,600. Zero or above.</summary>
    public double TimeInMeshCap { get; init => field = OptionChecks.NotNegative(value); } = 3600;

    /// <summary>Weight of P2, messages delivered first. 0.5. Zero or above.</summary>
    public double FirstMessageDeliveriesWeight { get; init => field = OptionChecks.NotNegative(value); } = 0.5;

    /// <summary>What is left of P2's counter after a decay. 0.9987: a hundredth after an hour. Above 0, below 1.</summary>
    public double FirstMessageDeliveriesDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.9987;

    /// <summary>Most that P2 counts. 100. Zero or above.</summary>
    public double FirstMessageDeliveriesCap { get; init => field = OptionChecks.NotNegative(value); } = 100;

    /// <summary>Weight of P3, the square of what a peer of the mesh lacks of the expected deliveries. 0: off. Zero or below.</summary>
    public double MeshMessageDeliveriesWeight { get; init => field = OptionChecks.NotPositive(value); }

    /// <summary>What is left of P3's counter after a decay. 0.93: a hundredth after a minute. Above 0, below 1.</summary>
    public double MeshMessageDeliveriesDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.93;

    /// <summary>Deliveries expected. 5. Zero or above.</summary>
    public double MeshMessageDeliveriesThreshold { get; init => field = OptionChecks.NotNegative(value); } = 5;

    /// <summary>Most that P3 counts, at least its threshold. 20. Zero or above.</summary>
    public double MeshMessageDeliveriesCap { get; init => field = OptionChecks.NotNegative(value); } = 20;

    /// <summary>Time in the mesh before P3 counts. 1 min. Up to 1 day.</summary>
    public TimeSpan MeshMessageDeliveriesActivation
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromDays(1));
    } = TimeSpan.FromMinutes(1);

    /// <summary>A delivery this long after the first still counts for P3. 10 ms. Up to 1 min.</summary>
    public TimeSpan MeshMessageDeliveriesWindow
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    } = TimeSpan.FromMilliseconds(10);

    /// <summary>Weight of P3b, what P3 was when a peer left the mesh. 0: off. Zero or below.</summary>
    public double MeshFailurePenaltyWeight { get; init => field = OptionChecks.NotPositive(value); }

    /// <summary>What is left of P3b after a decay. 0.997. Above 0, below 1.</summary>
    public double MeshFailurePenaltyDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.997;

    /// <summary>Weight of P4, the square of invalid messages. −100: a sixth within the hour graylists its sender. Zero or below.</summary>
    public double InvalidMessageDeliveriesWeight { get; init => field = OptionChecks.NotPositive(value); } = -100;

    /// <summary>What is left of P4's counter after a decay. 0.9987: a hundredth after an hour. Above 0, below 1.</summary>
    public double InvalidMessageDeliveriesDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.9987;

    internal void CheckTogether()
    {
        if (MeshMessageDeliveriesCap < MeshMessageDeliveriesThreshold)
            throw new ArgumentException("MeshMessageDeliveriesCap must be at least MeshMessageDeliveriesThreshold.", nameof(MeshMessageDeliveriesCap));
    }
}
