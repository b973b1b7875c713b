// A js-libp2p peer that a test drives: one JSON object a line.
//   node peer.mjs '{"listen":["/ip4/127.0.0.1/tcp/0"],"kad":"/ipfs/kad/1.0.0"}'
// stdout: first {"event":"ready","peerId":…,"addresses":[…]}, later {"event":"connect"|"disconnect"|"discovery","peerId":…}; to each command
//   {"id":1,"cmd":"ping","address":…} on stdin one answer {"id":1,"ok":true,"result":{…}} or {"id":1,"ok":false,"error":{"name":…,"message":…}}.
// It ends when stdin does.
Promise.withResolvers ??= function () { // js-libp2p 3 expects Node 22
  let resolve, reject
  const promise = new this((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

const { createInterface } = await import('node:readline')
const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { identify, identifyPush } = await import('@libp2p/identify')
const { ping } = await import('@libp2p/ping')
const { mdns } = await import('@libp2p/mdns')
const { gossipsub } = await import('@libp2p/gossipsub')
const { generateKeyPair, generateKeyPairFromSeed } = await import('@libp2p/crypto/keys')
const { multiaddr } = await import('@multiformats/multiaddr')
const protocols = await import('./protocols.mjs')
const kademlia = await import('./kademlia.mjs')

const options = JSON.parse(process.argv[2] ?? '{}')
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

const node = await createLibp2p({
  privateKey: await identity(),
  addresses: { listen: options.listen ?? [] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  peerDiscovery: options.mdns ? [mdns({ interval: 1000 })] : [],
  // The stock limit of five inbound connections a second would be what the tests measure.
  connectionManager: { inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 1_000 },
  services: {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    ...(options.kad != null ? { dht: kademlia.service(options.kad) } : {}),
    ...(options.gossip ? { pubsub: gossipsub() } : {})
  },
  start: false
})
// With "gossip" a list of the versions to speak, newest first.
if (options.gossip) node.services.pubsub.protocols = options.gossip
await node.start()

const many = { maxInboundStreams: 1000, maxOutboundStreams: 1000 }
await node.handle(protocols.ECHO, guarded(protocols.serveEcho), many)
await node.handle(protocols.DIGEST, guarded(protocols.serveDigest), many)
await node.handle(protocols.RESET, guarded(protocols.serveReset), many)
await node.handle(protocols.PERF, guarded(protocols.servePerf), many)
node.addEventListener('peer:connect', (event) => say({ event: 'connect', peerId: event.detail.toString() }))
node.addEventListener('peer:disconnect', (event) => say({ event: 'disconnect', peerId: event.detail.toString() }))

node.addEventListener('peer:discovery', (event) => say({ event: 'discovery', peerId: event.detail.id.toString() }))
node.services.pubsub?.addEventListener('message', ({ detail }) => say({
  event: 'message', peerId: detail.from.toString(), topic: detail.topic, text: Buffer.from(detail.data).toString()
}))

// js-libp2p asks every new connection once, by itself, and serves one such question at a time: a second one would be a race with the first.
const identified = new Map()
const answerFor = (id) => {
  if (!identified.has(id)) {
    const { promise, resolve } = Promise.withResolvers()
    identified.set(id, Object.assign(promise, { resolve }))
  }
  return identified.get(id)
}
node.addEventListener('peer:identify', (event) => answerFor(event.detail.connection.id).resolve(event.detail))

const commands = {
  async dial ({ address }) {
    const connection = await node.dial(multiaddr(address), { signal: AbortSignal.timeout(15_000) })
    return { peerId: connection.remotePeer.toString(), encryption: connection.encryption, multiplexer: connection.multiplexer }
  },
  async identify ({ peerId }) {
    const result = await answerFor(connectionTo(peerId).id)
    return {
      peerId: result.peerId.toString(),
      protocolVersion: result.protocolVersion,
      agentVersion: result.agentVersion,
      listenAddresses: result.listenAddrs.map(String),
      protocols: result.protocols,
      observedAddress: result.observedAddr?.toString(),
      signedPeerRecord: result.signedPeerRecord != null,
      signedAddresses: (result.signedPeerRecord?.addresses ?? []).map(String)
    }
  },
  async ping ({ peerId }) {
    return { milliseconds: await node.services.ping.ping(connectionTo(peerId).remotePeer, { signal: AbortSignal.timeout(15_000) }) }
  },
  perf: ({ peerId, upload = 0, download = 0 }) => protocols.perf(connectionTo(peerId), upload, download),
  async echoMany ({ peerId, count, size }) {
    const connection = connectionTo(peerId)
    const sizes = await Promise.all(Array.from({ length: count }, () => protocols.echo(connection, size)))
    return { streams: sizes.length, bytes: sizes.reduce((sum, n) => sum + n, 0) }
  },
  async perfMany ({ peerId, count, upload, download }) {
    const connection = connectionTo(peerId)
    const runs = await Promise.all(Array.from({ length: count }, () => protocols.perf(connection, upload, download)))
    return { streams: runs.length, downloaded: runs.reduce((sum, run) => sum + run.downloaded, 0) }
  },
  async halfClose ({ peerId, size }) {
    await protocols.digest(connectionTo(peerId), size)
    return {}
  },
  perfThenReset: ({ peerId, download, after }) => protocols.perfThenReset(connectionTo(peerId), download, after),
  async beReset ({ peerId }) {
    await protocols.beReset(connectionTo(peerId))
    return {}
  },
  async openUnknown ({ peerId, protocol }) {
    const stream = await connectionTo(peerId).newStream(protocol)
    stream.abort(new Error('not needed'))
    return { protocol: stream.protocol }
  },
  async subscribe ({ topic }) {
    node.services.pubsub.subscribe(topic)
    return {}
  },
  // As soon as somebody takes the topic. What the stream to him speaks, and who is in the mesh after a heartbeat, is told too.
  async publish ({ topic, text }) {
    const pubsub = node.services.pubsub
    while (pubsub.getSubscribers(topic).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const { recipients } = await pubsub.publish(topic, Buffer.from(text))
    return { recipients: recipients.map(String), protocols: [...pubsub.streamsOutbound.values()].map((stream) => stream.protocol) }
  },
  // Waits for a mesh of so many peers.
  async mesh ({ topic, count }) {
    const pubsub = node.services.pubsub
    while (pubsub.getMeshPeers(topic).length < count) await new Promise((resolve) => setTimeout(resolve, 20))
    return { peers: pubsub.getMeshPeers(topic) }
  },
  async hangUp ({ peerId }) {
    await connectionTo(peerId).close()
    return {}
  },
  ...kademlia.commands(node),
  async connections () {
    return { peers: node.getConnections().map((connection) => connection.remotePeer.toString()) }
  }
}

say({ event: 'ready', peerId: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })

const running = new Set()
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue
  const answer = run(JSON.parse(line)).finally(() => running.delete(answer))
  running.add(answer)
}
await node.stop()
process.exit(0)

async function run ({ id, cmd, ...args }) {
  try {
    if (!Object.hasOwn(commands, cmd)) throw new Error(`there is no command ${cmd}`)
    say({ id, ok: true, result: await commands[cmd](args) })
  } catch (error) {
    say({ id, ok: false, error: { name: error.name, message: error.message } })
  }
}

function connectionTo (peerId) {
  const connection = node.getConnections().find((candidate) => candidate.remotePeer.toString() === peerId && candidate.status === 'open')
  if (connection == null) throw new Error(`not connected to ${peerId}`)
  return connection
}

function guarded (serve) {
  return async (stream) => {
    try {
      await serve(stream)
    } catch (error) {
      process.stderr.write(`${stream.protocol}: ${error?.message ?? error}\n`)
      stream.abort(error)
    }
  }
}

// With "forge" the peer claims one key and signs with another, as an impostor would who knows only the public half.
async function identity () {
  const own = options.seed != null ? await generateKeyPairFromSeed('Ed25519', Buffer.from(options.seed, 'hex')) : await generateKeyPair('Ed25519')
  if (!options.forge) return own
  const claimed = await generateKeyPair('Ed25519')
  return {
    type: own.type,
    publicKey: claimed.publicKey,
    raw: own.raw,
    sign: (data, options) => own.sign(data, options),
    equals: (other) => own.equals(other)
  }
}
