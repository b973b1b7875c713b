namespace Overlay.Sharing.Limits;

/// <summary>What this host simply tells: on Linux, whether it runs on its battery (<c>/sys/class/power_supply</c>). Whether a line is metered only a
/// desktop's network service knows, which is not asked.</summary>
internal sealed class SystemSurroundings(TimeProvider time, string root = "/") : ILineSurroundings
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private long _refreshed;
    private bool _isFresh;
    private bool? _isOnBattery;

    public bool? IsOnBattery
    {
        get
        {
            lock (_lock)
            {
                if (_isFresh && time.GetElapsedTime(_refreshed) < s_refresh) return _isOnBattery;
                _refreshed = time.GetTimestamp();
                _isFresh = true;
                return _isOnBattery = Look();
            }
        }
    }

    public bool? IsMetered => null;

    private bool? Look()
    {
        string folder = Path.Combine(root, "sys/class/power_supply");
        try
        {
            if (!Directory.Exists(folder)) return null;
            bool? discharging = null;
            foreach (string supply in Directory.GetDirectories(folder))
            {
                string type = Text(supply, "type");
                // Mains that is plugged in settles it; a battery of a mouse or a pen is not the host's.
                if (type is "Mains" or "USB" && Text(supply, "online") == "1") return false;
                if (type == "Battery" && Text(supply, "scope") != "Device") discharging = (discharging ?? false) || Text(supply, "status") == "Discharging";
            }

            return discharging;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Text(string supply, string name)
    {
        string path = Path.Combine(supply, name);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
