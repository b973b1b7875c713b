using System.Text.Json;
using System.Text.Json.Nodes;

namespace Overlay.Interop.Tests.Harness;

/// <summary>A js-libp2p node in a process of its own, driven by one JSON object a line (see js/peer.mjs). One command at a time.</summary>
internal sealed class JsPeer : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly ChildProcess _process;
    private readonly List<JsonElement> _events = [];
    private int _lastId;

    private JsPeer(ChildProcess process, string peerId, IReadOnlyList<string> addresses)
    {
        _process = process;
        PeerId = peerId;
        Addresses = addresses;
    }

    internal string PeerId { get; }

    /// <summary>Where it listens, with its PeerId; empty for a peer that only dials.</summary>
    internal IReadOnlyList<string> Addresses { get; }

    /// <summary>The first of <see cref="Addresses"/>.</summary>
    internal string Address => Addresses[0];

    internal string Errors => _process.Errors;

    /// <summary>Starts a peer; skips the test when Node or the peer's packages are missing.</summary>
    /// <param name="listens">Whether it listens on a free port of loopback.</param>
    /// <param name="forged">Whether it claims a public key whose private half it does not have.</param>
    /// <param name="kademlia">The protocol id of the DHT that it serves; none where null.</param>
    /// <param name="gossip">The versions of gossipsub that it speaks, newest first; none when empty.</param>
    internal static async Task<JsPeer> StartAsync(bool listens = true, bool forged = false, string? kademlia = null, params string[] gossip)
    {
        string folder = RealTools.FindJsPeer();
        var options = new JsonObject { ["forge"] = forged };
        if (kademlia is not null) options["kad"] = kademlia;
        if (gossip.Length > 0) options["gossip"] = new JsonArray([.. gossip.Select(version => JsonValue.Create(version))]);
        if (listens) options["listen"] = new JsonArray("/ip4/127.0.0.1/tcp/0");
        return await WhenReadyAsync(ChildProcess.Start(RealTools.Find("node"), ["peer.mjs", options.ToJsonString()], folder));
    }

    /// <summary>Starts a peer on a host of a <see cref="TwoHosts"/>, listening on every address and looking for others by mDNS.</summary>
    internal static Task<JsPeer> StartOnAsync(string host)
    {
        string folder = RealTools.FindJsPeer();
        var options = new JsonObject { ["listen"] = new JsonArray("/ip4/0.0.0.0/tcp/0"), ["mdns"] = true };
        return WhenReadyAsync(TwoHosts.Start(host, RealTools.Find("node"), ["peer.mjs", options.ToJsonString()], folder));
    }

    private static async Task<JsPeer> WhenReadyAsync(ChildProcess process)
    {
        try
        {
            string line = await process.ReadLineAsync(s_patience, TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException($"The js peer ended at once:\n{process.Errors}");
            using var ready = JsonDocument.Parse(line);
            return new JsPeer(
                process,
                ready.RootElement.GetProperty("peerId").GetString()!,
                [.. ready.RootElement.GetProperty("addresses").EnumerateArray().Select(address => address.GetString()!)]);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command and gives its result.</summary>
    /// <exception cref="JsPeerException">The peer answered with an error.</exception>
    internal async Task<JsonElement> RunAsync(string command, JsonObject? arguments = null)
    {
        int id = ++_lastId;
        JsonObject message = arguments ?? [];
        message["id"] = id;
        message["cmd"] = command;
        await _process.WriteLineAsync(message.ToJsonString(), TestContext.Current.CancellationToken);
        while (true)
        {
            JsonElement answer = await ReadAsync();
            if (!answer.TryGetProperty("id", out JsonElement answered))
            {
                _events.Add(answer);
                continue;
            }

            if (answered.GetInt32() != id) throw new InvalidOperationException($"The js peer answered command {answered} while {id} ran.");
            if (answer.GetProperty("ok").GetBoolean()) return answer.GetProperty("result");
            JsonElement error = answer.GetProperty("error");
            throw new JsPeerException(error.GetProperty("name").GetString()!, error.GetProperty("message").GetString()!);
        }
    }

    internal Task<JsonElement> DialAsync(string address) => RunAsync("dial", new JsonObject { ["address"] = address });

    /// <summary>Runs a command about the connection to <paramref name="peerId"/>.</summary>
    internal Task<JsonElement> RunWithAsync(string peerId, string command, params (string Name, long Value)[] numbers)
    {
        var arguments = new JsonObject { ["peerId"] = peerId };
        foreach ((string name, long value) in numbers) arguments[name] = value;
        return RunAsync(command, arguments);
    }

    /// <summary>Waits until the peer has told the event about <paramref name="peerId"/>, and returns it.</summary>
    internal async Task<JsonElement> WaitForEventAsync(string name, string peerId)
    {
        int next = 0;
        while (true)
        {
            for (; next < _events.Count; next++)
            {
                JsonElement seen = _events[next];
                if (seen.GetProperty("event").GetString() == name && seen.GetProperty("peerId").GetString() == peerId) return seen;
            }

            _events.Add(await ReadAsync());
        }
    }

    /// <summary><c>kill -9</c>.</summary>
    internal Task KillAsync() => _process.KillAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<JsonElement> ReadAsync()
    {
        string line = await _process.ReadLineAsync(s_patience, TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException($"The js peer ended:\n{_process.Errors}");
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}

/// <summary>A command of the js peer failed, with JavaScript's words for it.</summary>
internal sealed class JsPeerException(string name, string message) : Exception($"{name}: {message}")
{
    internal string Name { get; } = name;
}
