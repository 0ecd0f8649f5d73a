import { connect } from 'node:net'

/** Longer than any answer takes; reached only when something is broken. */
const silenceMs = 10_000

/**
 * Writes these bytes to a connection of its own and gives all that comes back until the other side closes it; for
 * requests that no HTTP client would send.
 */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.on('data', chunk => chunks.push(chunk))
    socket.setTimeout(silenceMs, () =>
      socket.destroy(new Error('No answer, and the connection is still open')),
    )
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}
