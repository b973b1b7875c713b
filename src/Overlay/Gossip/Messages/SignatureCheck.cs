using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Messages;

/// <summary>Checks the signatures of many messages at once: Ed25519 in one equation, other keys one by one.</summary>
internal static class SignatureCheck
{
    /// <summary>More than this does not make one check cheaper, but makes the first message wait longer.</summary>
    internal const int MaxBatch = 64;

    /// <summary>For each message whether its signature holds. Nothing that a peer sent makes this throw.</summary>
    internal static bool[] HoldVarTime(IReadOnlyList<PendingMessage> messages)
    {
        bool[] hold = new bool[messages.Count];
        Array.Fill(hold, true);
        var batch = new Ed25519Batch();
        var places = new List<int>(messages.Count);
        for (int i = 0; i < messages.Count; i++)
        {
            PendingMessage pending = messages[i];
            if (pending.Key is not { } key) continue;
            byte[] text = SignedBytes.Of(pending.Message.Signed.Span);
            if (key.Type != PeerKeyType.Ed25519) hold[i] = key.VerifyVarTime(text, pending.Message.Signature.Span);
            else if (messages.Count == 1) hold[i] = Ed25519.VerifyVarTime(new PublicKey(key.Data.Span), text, pending.Message.Signature.Span);
            else
            {
                batch.Add(new PublicKey(key.Data.Span), text, pending.Message.Signature.Span);
                places.Add(i);
            }
        }

        // Where all hold, and they nearly always do, naming the bad ones costs as much as asking whether there are any.
        if (places.Count > 0)
            foreach (int bad in batch.FindInvalidVarTime()) hold[places[bad]] = false;
        return hold;
    }
}
