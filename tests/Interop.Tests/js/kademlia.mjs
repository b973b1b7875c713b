// The DHT as js-libp2p speaks it, and the commands that ask it.
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { decode } from 'multiformats/hashes/digest'

const PATIENCE = 20_000

/** A server in the network of a protocol id. Loopback addresses stay, which by default it would drop. */
export const service = (protocol) => kadDHT({
  protocol,
  clientMode: false,
  peerInfoMapper: passthroughMapper,
  validators: { overlay: async () => {} },
  selectors: { overlay: () => 0 }
})

export const commands = (node) => ({
  /** Waits until so many peers are in the routing table. */
  async kadWait ({ count }) {
    const until = Date.now() + PATIENCE
    while (node.services.dht.routingTable.size < count) {
      if (Date.now() > until) throw new Error(`${node.services.dht.routingTable.size} of ${count} peers are in the table`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return { count: node.services.dht.routingTable.size }
  },
  async kadFindPeer ({ peerId }) {
    const found = await node.peerRouting.findPeer(peerIdFromString(peerId), { signal: AbortSignal.timeout(PATIENCE), useCache: false })
    return { addresses: found.multiaddrs.map(String) }
  },
  async kadProvide ({ key }) {
    await node.contentRouting.provide(cid(key), { signal: AbortSignal.timeout(PATIENCE) })
    return {}
  },
  async kadFindProviders ({ key }) {
    for await (const provider of node.contentRouting.findProviders(cid(key), { signal: AbortSignal.timeout(PATIENCE) })) {
      return { peerId: provider.id.toString(), addresses: provider.multiaddrs.map(String) }
    }
    throw new Error('nobody provides it')
  },
  async kadPut ({ key, value }) {
    await node.contentRouting.put(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'), { signal: AbortSignal.timeout(PATIENCE) })
    return {}
  },
  async kadGet ({ key }) {
    const value = await node.contentRouting.get(Buffer.from(key, 'hex'), { signal: AbortSignal.timeout(PATIENCE) })
    return { value: Buffer.from(value).toString('hex') }
  }
})

const cid = (multihash) => CID.createV1(0x55, decode(Buffer.from(multihash, 'hex')))
