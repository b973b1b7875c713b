using System.Buffers.Binary;

namespace Overlay.Interop.Tests.Harness;

/// <summary>A page with images that writes into itself how wide each of them came out.</summary>
internal static class PictureBook
{
    internal const string Page = "index.html";

    /// <summary>In the document once every image was loaded and decoded.</summary>
    internal const string LoadedMark = "widths: 240,200,160";

    private const int Height = 120;

    // Width and colour (blue, green, red).
    private static readonly (int Width, byte[] Colour)[] s_images = [(240, [0x30, 0x30, 0xD0]), (200, [0x30, 0xA0, 0x30]), (160, [0xD0, 0x60, 0x30])];

    /// <summary>Bytes of all images together: less cannot have travelled.</summary>
    internal static long ImageBytes => s_images.Sum(image => (long)Bitmap(image.Width, image.Colour).Length);

    internal static async Task WriteAsync(string root)
    {
        foreach ((int width, byte[] colour) in s_images)
            await File.WriteAllBytesAsync(Path.Combine(root, $"{width}.bmp"), Bitmap(width, colour), TestContext.Current.CancellationToken);
        string images = string.Concat(s_images.Select(image => $"""<img src="{image.Width}.bmp"> """));
        await File.WriteAllTextAsync(Path.Combine(root, Page), $$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Overlay</title></head>
            <body style="font: 28px sans-serif; margin: 40px">
            <h1>Through the network</h1>
            <p>{{images}}</p>
            <p id="result">loading</p>
            <script>
            addEventListener('load', () => {
              document.getElementById('result').textContent = 'widths: ' + [...document.images].map(image => image.naturalWidth).join(',')
            })
            </script>
            </body></html>
            """, TestContext.Current.CancellationToken);
    }

    // BITMAPFILEHEADER (14 bytes), BITMAPINFOHEADER (40 bytes), then rows of 24-bit pixels, bottom up. All widths here are multiples of 4, so rows need no padding.
    private static byte[] Bitmap(int width, byte[] colour)
    {
        const int HeaderSize = 54;
        byte[] file = new byte[HeaderSize + (width * 3 * Height)];
        file[0] = (byte)'B';
        file[1] = (byte)'M';
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), HeaderSize);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), Height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        for (int at = HeaderSize; at < file.Length; at += 3) colour.CopyTo(file, at);
        return file;
    }
}
