// The small protocols that the tests speak, over js-libp2p's message streams.
import { createHash, randomBytes } from 'node:crypto'

export const ECHO = '/echo/1.0.0'
export const DIGEST = '/digest/1.0.0'
export const RESET = '/reset/1.0.0'
export const PERF = '/perf/1.0.0'

const CHUNK = 64 * 1024
// js-libp2p grants window as bytes arrive and resets a stream whose reader lags behind by more than this.
const READ_BUFFER = 64 * 1024 * 1024

/** Gives every message to `onData` until the other side half-closes; rejects when the stream is reset or the connection is lost. */
export function readAll (stream, onData) {
  stream.maxReadBufferLength = READ_BUFFER
  return new Promise((resolve, reject) => {
    const message = (event) => {
      try {
        onData(event.data)
      } catch (error) {
        finish(error)
      }
    }
    // A reset says 'end' too, just before 'close', which then carries the error.
    const broken = () => stream.status === 'reset' || stream.status === 'aborted'
    const end = () => { if (!broken()) finish() }
    const close = (event) => finish(event.error ?? (broken() ? new Error(`the stream is ${stream.status}`) : undefined))
    const finish = (error) => {
      stream.removeEventListener('message', message)
      stream.removeEventListener('end', end)
      stream.removeEventListener('close', close)
      error == null ? resolve() : reject(error)
    }
    if (stream.readableEnded) return finish(broken() ? new Error(`the stream is ${stream.status}`) : undefined)
    stream.addEventListener('end', end)
    stream.addEventListener('close', close)
    stream.addEventListener('message', message)
  })
}

async function write (stream, bytes) {
  if (!stream.send(bytes)) await stream.onDrain()
}

async function writeZeros (stream, count) {
  const zeros = new Uint8Array(CHUNK)
  for (let left = count; left > 0; left -= CHUNK) {
    await write(stream, left >= CHUNK ? zeros : zeros.subarray(0, left))
  }
}

/** Sends back what arrives, half-closes after the other side did. */
export async function serveEcho (stream) {
  // One after another: a send has to wait for the drain of the one before.
  let sending = Promise.resolve()
  await readAll(stream, (data) => {
    const copy = data.subarray().slice()
    sending = sending.then(() => write(stream, copy))
    sending.catch(() => {})
  })
  await sending
  await stream.close()
}

/** Takes everything up to the other side's half-close, then answers with its SHA-256. */
export async function serveDigest (stream) {
  const hash = createHash('sha256')
  await readAll(stream, (data) => { hash.update(data.subarray()) })
  await write(stream, new Uint8Array(hash.digest()))
  await stream.close()
}

/** Resets the stream at the first byte. */
export async function serveReset (stream) {
  await readAll(stream, () => { throw new Error('reset as asked') }).catch((error) => stream.abort(error))
}

/** libp2p's perf: 8 bytes big-endian say how many to send back once the other side has half-closed. */
export async function servePerf (stream) {
  let asked = 0n
  let header = 0
  await readAll(stream, (data) => {
    const bytes = data.subarray()
    for (let i = 0; i < bytes.length && header < 8; i++, header++) asked = (asked << 8n) | BigInt(bytes[i])
  })
  if (header < 8) return stream.abort(new Error('perf ended before its eight bytes'))
  await writeZeros(stream, Number(asked))
  await stream.close()
}

/** Opens an echo stream, sends `size` random bytes, half-closes and compares what comes back. */
export async function echo (connection, size) {
  const stream = await connection.newStream(ECHO)
  const sent = createHash('sha256')
  const back = createHash('sha256')
  let received = 0
  const reading = readAll(stream, (data) => {
    received += data.byteLength
    back.update(data.subarray())
  })
  reading.catch(() => {})
  for (let left = size; left > 0; left -= CHUNK) {
    const bytes = randomBytes(Math.min(left, CHUNK))
    sent.update(bytes)
    await write(stream, bytes)
  }
  await stream.close()
  await reading
  if (received !== size) throw new Error(`echo returned ${received} of ${size} bytes`)
  if (sent.digest('hex') !== back.digest('hex')) throw new Error('echo returned other bytes')
  return received
}

/** Sends `size` random bytes, half-closes, and compares the digest that comes back afterwards with its own. */
export async function digest (connection, size) {
  const stream = await connection.newStream(DIGEST)
  const sent = createHash('sha256')
  const answer = []
  const reading = readAll(stream, (data) => { answer.push(Buffer.from(data.subarray())) })
  reading.catch(() => {})
  for (let left = size; left > 0; left -= CHUNK) {
    const bytes = randomBytes(Math.min(left, CHUNK))
    sent.update(bytes)
    await write(stream, bytes)
  }
  await stream.close()
  await reading
  if (Buffer.concat(answer).toString('hex') !== sent.digest('hex')) throw new Error('the digest after the half-close is another')
}

/** One run of perf. The answer may begin only after this side's half-close. */
export async function perf (connection, upload, download) {
  const started = performance.now()
  const stream = await connection.newStream(PERF)
  let received = 0
  let halfClosed = false
  let early = false
  const reading = readAll(stream, (data) => {
    early ||= !halfClosed
    received += data.byteLength
  })
  reading.catch(() => {})
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(download))
  await write(stream, header)
  await writeZeros(stream, upload)
  halfClosed = true
  await stream.close()
  await reading
  if (early) throw new Error('perf answered before the half-close')
  if (received !== download) throw new Error(`perf returned ${received} of ${download} bytes`)
  return { uploaded: upload, downloaded: received, seconds: (performance.now() - started) / 1000 }
}

/** Starts a large download and resets the stream once `after` bytes have come. */
export async function perfThenReset (connection, download, after) {
  const stream = await connection.newStream(PERF)
  let received = 0
  const reading = readAll(stream, (data) => {
    received += data.byteLength
    if (received >= after) throw new Error('enough')
  })
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(download))
  await write(stream, header)
  await stream.close()
  await reading.then(
    () => { throw new Error(`the stream ended after ${received} bytes, before it could be reset`) },
    (error) => {
      if (error.message !== 'enough') throw error
      stream.abort(error)
    })
  return { received }
}

/** Opens a stream whose server resets it; true when the reset is seen as one. */
export async function beReset (connection) {
  const stream = await connection.newStream(RESET)
  const reading = readAll(stream, () => {})
  reading.catch(() => {})
  await write(stream, new Uint8Array([1]))
  try {
    await reading
  } catch (error) {
    if (error.name === 'StreamResetError') return
    throw error
  }
  throw new Error('the stream ended without a reset')
}
