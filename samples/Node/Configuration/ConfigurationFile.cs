using System.Text.Json;

namespace Overlay.Node.Configuration;

/// <summary>A configuration file: one JSON object whose names are settings. Comments and trailing commas are allowed, unknown and repeated names are not.</summary>
internal sealed class ConfigurationFile
{
    private const int MaxSize = 1 << 20;

    private ConfigurationFile(string path, Dictionary<Setting, IReadOnlyList<string>> values)
    {
        Path = path;
        Values = values;
    }

    internal string Path { get; }

    /// <summary>What the file says, as text; not yet judged.</summary>
    internal IReadOnlyDictionary<Setting, IReadOnlyList<string>> Values { get; }

    /// <exception cref="UsageException">The file cannot be read, is no JSON object, or has a name that is no setting.</exception>
    internal static ConfigurationFile Read(string path)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxSize }) throw new UsageException($"{path} is larger than 1 MiB: that is no configuration file.");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--config: {e.Message}");
        }

        return Parse(path, bytes);
    }

    /// <inheritdoc cref="Read"/>
    internal static ConfigurationFile Parse(string path, ReadOnlyMemory<byte> json)
    {
        // Editors on Windows begin files with a byte order mark, which JSON does not know.
        if (json.Span.StartsWith("\uFEFF"u8)) json = json[3..];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new UsageException($"{path} must hold one JSON object such as {{ \"share\": true }}.");
            var values = new Dictionary<Setting, IReadOnlyList<string>>();
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                Setting setting = Settings.All.FirstOrDefault(s => s.Key == property.Name)
                    ?? throw new UsageException(
                        $"{path} has a setting '{property.Name}' that does not exist; the nearest is '{NearestName.Among(Settings.All.Select(s => s.Key), property.Name)}'.");
                if (!values.TryAdd(setting, Texts(path, setting, property.Value))) throw new UsageException($"{path} has '{setting.Key}' twice.");
            }

            return new ConfigurationFile(path, values);
        }
        catch (JsonException e)
        {
            throw new UsageException($"{path} is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.");
        }
    }

    private static IReadOnlyList<string> Texts(string path, Setting setting, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array) return [Text(path, setting, value)];
        if (!setting.IsList) throw new UsageException($"'{setting.Key}' in {path} takes one value, not a list.");
        return [.. value.EnumerateArray().Select(element => Text(path, setting, element))];
    }

    private static string Text(string path, Setting setting, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new UsageException($"'{setting.Key}' in {path} takes a string, a number, true or false{(setting.IsList ? ", or a list of them" : "")}."),
    };
}
