using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Overlay.Node.Demo;

namespace Overlay.Node.Tests;

public sealed class DemoContentTests
{
    [Fact]
    public void Fill_InPieces_IsTheSameAsAtOnce()
    {
        byte[] whole = new byte[4096], pieces = new byte[4096];
        DemoContent.Fill(whole, 0);
        for (int at = 0; at < pieces.Length; at += 512) DemoContent.Fill(pieces.AsSpan(at, 512), (ulong)at);

        Assert.Equal(whole, pieces);
        Assert.Equal(512, whole.Chunk(8).Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public async Task Origin_OneRequest_AnswersTheContentAndCountsEveryByte()
    {
        const ulong Size = 200_000;
        CancellationToken ct = TestContext.Current.CancellationToken;
        await using var origin = new OriginServer(Size);
        using var client = new TcpClient();
        await client.ConnectAsync(origin.EndPoint, ct);
        byte[] request = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await client.GetStream().WriteAsync(request, ct);
        using var answer = new MemoryStream();
        await client.GetStream().CopyToAsync(answer, ct);

        byte[] bytes = answer.ToArray();
        Assert.Equal(((ulong)request.Length, (ulong)bytes.Length), (origin.Received, origin.Sent));
        Assert.Equal(DemoContent.Hash(Size), SHA256.HashData(bytes.AsSpan(bytes.Length - (int)Size)));
    }

    [Fact]
    public async Task Origin_EndlessRequest_IsCutOff()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        await using var origin = new OriginServer(8);
        using var client = new TcpClient();
        await client.ConnectAsync(origin.EndPoint, ct);
        await client.GetStream().WriteAsync(new byte[16 * 1024], ct);

        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], ct));
    }

    [Fact]
    public async Task Origin_DisposedWhileAClientWaits_Ends()
    {
        var origin = new OriginServer(8);
        using var client = new TcpClient();
        await client.ConnectAsync(origin.EndPoint, TestContext.Current.CancellationToken);

        await origin.DisposeAsync();

        await Assert.ThrowsAsync<SocketException>(async () => { using var late = new TcpClient(); await late.ConnectAsync(origin.EndPoint, TestContext.Current.CancellationToken); });
    }
}
