using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Overlay.Benchmarks.Transport.Baselines;

/// <summary>.NET's own TLS 1.3 with ChaCha20-Poly1305: the cipher of Noise under a protocol that everybody uses.</summary>
internal sealed class TlsSocket : ThroughputSubject
{
    internal override string Name => "TLS 1.3 ChaCha20-Poly1305 (SslStream)";

    [UnsupportedOSPlatform("windows")]
    private static CipherSuitesPolicy OnlyChaCha { get; } = new([TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256]);

    internal override async Task<ConnectedEnds> ConnectAsync()
    {
        (NetworkStream near, NetworkStream far) = await BareSocket.PairAsync();
        using X509Certificate2 certificate = SelfSigned();
        // Nobody vouches for a certificate made a line above: it is known by its hash.
        string expected = certificate.GetCertHashString();
        var sender = new SslStream(near, leaveInnerStreamOpen: false, (_, presented, _, _) => presented?.GetCertHashString() == expected);
        var receiver = new SslStream(far, leaveInnerStreamOpen: false);
        CipherSuitesPolicy? policy = OperatingSystem.IsWindows() ? null : OnlyChaCha;
        await Task.WhenAll(
            sender.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = SslProtocols.Tls13,
                CipherSuitesPolicy = policy,
            }),
            receiver.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                EnabledSslProtocols = SslProtocols.Tls13,
                CipherSuitesPolicy = policy,
            }));
        return new ConnectedEnds(sender, receiver);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
