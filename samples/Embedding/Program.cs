// Each file here is one way to embed the library. The regions in them are the README's code, which a test compares.
using Embedding;
using Overlay.Sharing;

using var stopping = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stopping.Cancel();
};

try
{
    switch (args)
    {
        case ["consumer", string wayIn]:
            await Consumer.GetAsync(wayIn);
            return 0;
        case ["stream", string provider]:
            await Consumer.ConnectAsync(provider, stopping.Token);
            return 0;
        case ["provider"]:
            await Provider.RunAsync(stopping.Token);
            return 0;
        case ["host", string provider]:
            await GenericHost.RunAsync(provider, stopping.Token);
            return 0;
        case ["echo"]:
            await Echo.RunAsync(stopping.Token);
            return 0;
        case ["discovery"]:
            await Discovery.RunAsync(stopping.Token);
            return 0;
        case ["nearest", string wayIn]:
            await NearestFirst.GetAsync(wayIn);
            return 0;
        case ["limits", string folder]:
            if (SharingConsent.Find(folder) is not { } consent)
            {
                Console.Error.WriteLine("There is no consent in that folder: overlay consent give --data FOLDER.");
                return 1;
            }

            await Limits.RunAsync(folder, consent, stopping.Token);
            return 0;
        case ["verify", string claim]:
            return await Auditor.VerifyAsync(claim, stopping.Token) ? 0 : 1;
        default:
            Console.Error.WriteLine("Write one of: consumer WAY-IN, nearest WAY-IN, stream PROVIDER, provider, host PROVIDER, limits FOLDER, verify CLAIM, echo, discovery.");
            Console.Error.WriteLine("WAY-IN and PROVIDER are addresses such as /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…");
            return 2;
    }
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return 0;
}
