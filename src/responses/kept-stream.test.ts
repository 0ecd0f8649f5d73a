import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AnswerSink, type AnswerStream, type AnswerWatch, Fault } from '#exchange'
import { KeptStream } from './kept-stream.ts'

const end = Buffer.from('END;')
const afterwards = Buffer.from('[DONE];')
const piece = (n: number): Buffer => Buffer.from(`${n};`)

/** A provider's stream, a reader, and a store between them that a test opens by hand. */
function stage({ readerTakes, hear }: { readerTakes?(): boolean; hear?(): void } = {}) {
  const log: string[] = []
  let text = ''
  const watch: AnswerWatch = {
    hear(bytes) {
      hear?.()
      text += bytes
    },
    answer: () => (text.includes('END;') ? { id: 'r1' } : undefined),
  }
  let provider: AnswerSink | undefined
  const source: AnswerStream = {
    start(sink) {
      provider = sink
    },
    resume: () => log.push('resume'),
    cancel: () => log.push('cancel'),
  }
  let settle: { stored(): void; refused(cause: unknown): void } | undefined
  const stream = new KeptStream({
    stream: source,
    watch,
    store: () =>
      new Promise((resolve, reject) => {
        log.push('store')
        settle = { stored: resolve, refused: reject }
      }),
    onUnseen: () => log.push('unseen'),
  })
  stream.start({
    write(bytes) {
      log.push(bytes.toString())
      return readerTakes?.() ?? true
    },
    done: () => log.push('done'),
    fail: fault => log.push(`fail ${fault.code}`),
  })
  assert.ok(provider)
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  return {
    log,
    provider,
    stream,
    async stored() {
      settle?.stored()
      await turn()
    },
    async refused(cause: unknown) {
      settle?.refused(cause)
      await turn()
    },
  }
}

describe('a stream whose answer is kept', () => {
  it('lets all flow but its end, which waits for the store', async () => {
    const { log, provider, stored } = stage()
    assert.equal(provider.write(piece(1)), true)
    assert.equal(provider.write(piece(2)), true)
    assert.equal(provider.write(end), false)
    provider.done()
    assert.deepEqual(log, ['1;', '2;', 'store'])
    await stored()
    assert.deepEqual(log, ['1;', '2;', 'store', 'END;', 'done'])
  })

  it('holds what comes behind its end, in order, and lets it go on from there', async () => {
    const { log, provider, stored } = stage()
    provider.write(end)
    assert.equal(provider.write(afterwards), false)
    await stored()
    assert.deepEqual(log, ['store', 'END;', '[DONE];', 'resume'])
    assert.equal(provider.write(piece(9)), true)
    provider.done()
    assert.deepEqual(log.slice(4), ['9;', 'done'])
  })

  it('keeps its reader’s pace', async () => {
    let takes = false
    const { log, provider, stream, stored } = stage({ readerTakes: () => takes })
    assert.equal(provider.write(piece(1)), false)
    stream.resume()
    assert.deepEqual(log.splice(0), ['1;', 'resume'])
    provider.write(end)
    stream.resume() // the reader has drained what it had: nothing more may come before the store is done
    await stored()
    assert.deepEqual(log.splice(0), ['store', 'END;'], 'a reader that is full is not pressed')
    takes = true
    stream.resume()
    assert.deepEqual(log, ['resume'])
  })

  it('fails in place of its end when the store does, and says nothing after that', async () => {
    for (const over of [true, false]) {
      const { log, provider, refused } = stage()
      provider.write(piece(1))
      provider.write(end)
      if (over) provider.done()
      await refused(new Fault('store_unavailable', 'gone'))
      provider.write(afterwards)
      provider.done()
      provider.fail(new Fault('provider_disconnected', 'gone'))
      assert.deepEqual(log, ['1;', 'store', 'cancel', 'fail store_unavailable'])
    }
  })

  it('stores nothing when it is cut or left before its end', () => {
    const cut = stage()
    cut.provider.write(piece(1))
    cut.provider.fail(new Fault('provider_disconnected', 'gone'))
    assert.deepEqual(cut.log, ['1;', 'fail provider_disconnected'])
    const left = stage()
    left.provider.write(piece(1))
    left.stream.cancel()
    left.provider.write(end)
    assert.deepEqual(left.log, ['1;', 'cancel'])
  })

  it('tells a reader who left during the commit nothing', async () => {
    const { log, provider, stream, stored } = stage()
    provider.write(end)
    stream.cancel()
    provider.done()
    await stored()
    assert.deepEqual(log, ['store', 'cancel'])
  })

  it('shows an answer that was whole before the provider failed, and then the failure', async () => {
    const { log, provider, stored } = stage()
    provider.write(end)
    provider.fail(new Fault('provider_disconnected', 'gone'))
    await stored()
    assert.deepEqual(log, ['store', 'END;', 'fail provider_disconnected'])
  })

  it('does not hide that no answer was seen in it', () => {
    const { log, provider } = stage()
    provider.write(piece(1))
    provider.done()
    assert.deepEqual(log, ['1;', 'unseen', 'done'])
  })

  it('fails when it cannot be watched', () => {
    const { log, provider } = stage({
      hear: () => {
        throw new RangeError('too large')
      },
    })
    provider.write(piece(1))
    assert.deepEqual(log, ['cancel', 'fail internal'])
  })
})
