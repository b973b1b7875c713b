using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>.NET's own TLS 1.3 with ChaCha20-Poly1305: the cipher of Noise under a protocol that everybody uses.</summary>
internal sealed class TlsCarrier : Carrier
{
    internal const string Key = "tls", Title = "TLS 1.3 ChaCha20-Poly1305 (SslStream)";

    private X509Certificate2? _certificate;
    private SocketListener? _listener;

    [UnsupportedOSPlatform("windows")]
    private static CipherSuitesPolicy OnlyChaCha { get; } = new([TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256]);

    private static CipherSuitesPolicy? Policy => OperatingSystem.IsWindows() ? null : OnlyChaCha;

    internal override Task<string> ListenAsync(Func<Stream, Task> serve)
    {
        _certificate = SelfSigned();
        _listener = new SocketListener(socket => ServeAsync(socket, serve));
        return Task.FromResult($"{_listener.EndPoint} {_certificate.GetCertHashString()}");
    }

    internal override async Task<Stream> OpenAsync(string address)
    {
        // Nobody vouches for a certificate that the other end has just made: it is known by its hash.
        string[] parts = address.Split(' ');
        NetworkStream socket = await SocketListener.ConnectAsync(IPEndPoint.Parse(parts[0]));
        var stream = new SslStream(socket, leaveInnerStreamOpen: false, (_, presented, _, _) => presented?.GetCertHashString() == parts[1]);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls13,
            CipherSuitesPolicy = Policy,
            AllowTlsResume = false,
        });
        return stream;
    }

    internal override async Task<IAsyncDisposable> ConnectAsync(string address) => await OpenAsync(address);

    public override async ValueTask DisposeAsync()
    {
        if (_listener is not null) await _listener.DisposeAsync();
        _certificate?.Dispose();
    }

    private async Task ServeAsync(NetworkStream socket, Func<Stream, Task> serve)
    {
        await using var stream = new SslStream(socket, leaveInnerStreamOpen: false);
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = _certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
            CipherSuitesPolicy = Policy,
            AllowTlsResume = false,
        });
        await serve(stream);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
