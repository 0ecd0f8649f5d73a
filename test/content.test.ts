import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Sluice, startSluice } from './support/sluice.ts'

const secret = 'the launch code is 4711-canary'

function configuration(content: string): string {
  return `providers: { sim: {} }\ncalls: { content: ${content} }\n`
}

/** Makes a call and gives what the call log says of its texts. */
async function contentOf(sluice: Sluice, ask: { model: string; stream?: boolean }): Promise<unknown> {
  const headers = { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' }
  const response = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...ask, messages: [{ role: 'user', content: secret }] }),
  })
  await response.text()
  const record = await fetch(`${sluice.url}/sluice/v1/calls/${response.headers.get('x-sluice-call')}`, {
    headers,
  })
  const { content } = (await record.json()) as { content: { request: string; answer: string } | null }
  return (
    content && { asked: content.request?.includes(secret), answered: content.answer?.slice(0, 6) ?? null }
  )
}

const well = { model: 'sim/sim-1?tokens=4' }
const badly = { model: 'sim/sim-1?fail=500' }

describe('texts of calls', () => {
  it('are not kept, and nowhere on the disk or in the log, unless the owner wants it', async () => {
    const sluice = await startSluice({ config: 'providers: { sim: {} }\n' })
    assert.equal(await contentOf(sluice, well), null)
    assert.equal(await contentOf(sluice, badly), null)
    await sluice.stop()
    assert(!`${sluice.stdout()}${sluice.stderr()}`.includes(secret))
    for (const file of await readdir(sluice.dataDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const bytes = await readFile(join(file.parentPath, file.name))
      assert(!bytes.includes(secret), `${file.name} holds a prompt`)
    }
  })

  it('are kept of failed calls alone with `errors`', async () => {
    const sluice = await startSluice({ config: configuration('errors') })
    assert.equal(await contentOf(sluice, well), null)
    assert.deepEqual(await contentOf(sluice, badly), { asked: true, answered: null })
  })

  it('are kept of every call with `all`, streamed or not', async () => {
    const sluice = await startSluice({ config: configuration('all') })
    assert.deepEqual(await contentOf(sluice, well), { asked: true, answered: '{"id":' })
    assert.deepEqual(await contentOf(sluice, { ...well, stream: true }), { asked: true, answered: 'data: ' })
  })
})
