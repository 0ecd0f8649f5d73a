import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '#exchange'
import { roleEvent, streamHead, textEvent } from '../../test/support/chat-bytes.ts'
import { answers, says, type VirtualAnswer, VirtualProviders } from '../../test/support/virtual-providers.ts'

const config = `
providers:
  one: { dialect: openai, base_url: "http://one.test/v1", api_key: k, retries: 0 }
`

/** Begins a stream, goes on after a while, and never ends it. */
const slowly: VirtualAnswer = async line => {
  await line.wait(10)
  line.head(200, streamHead)
  line.write(roleEvent)
  await line.wait(5_000)
  if (!line.aborted) line.write(textEvent('late'))
}

suite('an attempt', () => {
  // A call whose caller left just then never came to its end: seeds 21 and 23 of the simulation.
  test('ends when its caller leaves between the head of a stream and its first content', async () => {
    const providers = new VirtualProviders({ config, answer: slowly })
    const asking = providers.begin({ model: 'one/m', stream: true })
    providers.clock.after(1_000, () => asking.leave())
    const ended = await providers.clock.passUntil(asking.outcome)
    assert.ok(ended instanceof Fault && ended.code === 'client_closed')
    assert.equal(asking.attempts[0]?.status, 'cancelled')
    assert.equal(providers.clock.monotonic(), 1_000, 'at once, not when the provider goes on')
    assert.equal(providers.seen[0]?.aborted, true)
  })

  // A stream began two seconds after its caller had stopped waiting: seed 20 of the simulation.
  test('of a stream is over when its caller waits no longer, however long it was on its way until then', async () => {
    for (const [answer, openMs] of [
      [answers.unreached, 0],
      [answers.unreached, 600],
      [answers.hangs, 600],
    ] as const) {
      const providers = new VirtualProviders({ config, answer })
      const { ended } = await providers.ask({
        model: 'one/m',
        stream: true,
        patienceMs: 1_000,
        openMs: () => openMs,
      })
      assert.ok(ended instanceof Fault && ended.code === 'upstream_timeout')
      assert.equal(providers.clock.monotonic(), 1_000)
    }
  })

  // Taken for free before: it had no usage, and had failed.
  test('does not count as free when what came with status 200 is no answer', async () => {
    const providers = new VirtualProviders({ config, answer: says(200, '{"choices":[{"mess') })
    const { ended, attempts } = await providers.ask({ model: 'one/m' })
    assert.ok(ended instanceof Fault && ended.code === 'provider_malformed')
    assert.equal(attempts[0]?.usageSource, 'unknown')
    const refused = new VirtualProviders({ config, answer: says(503, '{}') })
    const { attempts: others } = await refused.ask({ model: 'one/m' })
    assert.equal(others[0]?.usageSource, undefined, 'who refuses bills nothing')
  })
})
