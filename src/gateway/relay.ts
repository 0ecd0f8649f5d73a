import type { Exchange } from '#events'
import type { Answer, AnswerStream } from '#exchange'
import { Fault } from '#exchange'
import type { Client } from './answer.ts'

/**
 * Passes an answer on at its reader's pace. Resolves when the reader has it all; fails with the fault that cut the
 * stream short, or `client_closed` when the reader left.
 */
export async function relay(
  answer: Answer,
  client: Client,
  exchange: Exchange,
  settle: () => void,
): Promise<void> {
  if (answer.kind === 'stream') {
    client.begin(answer.headers, exchange, answer.status)
    return await relayStream(answer.stream, client, exchange)
  }
  exchange.hear(answer.body)
  settle() // what a whole answer cost goes out with it
  client.send(answer, exchange)
}

function relayStream(stream: AnswerStream, client: Client, exchange: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onGone(() => {
      stream.cancel()
      reject(new Fault('client_closed', 'The caller hung up before the answer was complete.'))
    })
    client.onDrain(() => stream.resume())
    stream.start({
      write(bytes) {
        exchange.hear(bytes)
        return client.write(bytes)
      },
      done() {
        client.end()
        resolve()
      },
      fail: reject,
    })
  })
}
