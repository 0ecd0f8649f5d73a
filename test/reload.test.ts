import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { callOnRecord } from './support/call-log.ts'
import { temporaryFolder } from './support/cleanup.ts'
import { eventually } from './support/eventually.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const key = 'sk-reload-0123456789'

function configOf(parts: { models?: string; prices?: string; keys?: string; more?: string } = {}): string {
  return [
    'providers: { sim: {} }',
    `models: { ${parts.models ?? 'smart: { targets: [sim/sim-1] }'} }`,
    `prices: { ${parts.prices ?? ''} }`,
    `keys: [${parts.keys ?? `{ name: web, key: ${key} }`}]`,
    parts.more ?? '',
  ].join('\n')
}

async function ask(sluice: Sluice, model: string, more: Record<string, unknown> = {}): Promise<Response> {
  return await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], ...more }),
  })
}

async function statusOf(sluice: Sluice, model: string): Promise<number> {
  const answer = await ask(sluice, model)
  await answer.arrayBuffer()
  return answer.status
}

async function untilServed(sluice: Sluice, model: string): Promise<void> {
  await eventually(`${model} is served`, async () => (await statusOf(sluice, model)) === 200)
}

async function untilSaid(sluice: Sluice, pattern: RegExp): Promise<string> {
  return await eventually(`it says ${pattern}`, () =>
    sluice
      .stderr()
      .split('\n')
      .find(line => pattern.test(line)),
  )
}

const other = 'other: { targets: [sim/sim-1] }'

suite('a change of the configuration file', () => {
  test('is in force within seconds: names, prices and keys', async () => {
    const sluice = await startSluice({ config: configOf() })
    assert.equal(await statusOf(sluice, 'other'), 404)
    await writeFile(
      sluice.configFile,
      configOf({ models: other, prices: 'sim/sim-1: { input: 1, output: 0 }' }),
    )
    await untilServed(sluice, 'other')
    assert.equal(await statusOf(sluice, 'smart'), 404, 'a name that was taken out is gone')

    const answer = await ask(sluice, 'other')
    const { usage } = (await answer.json()) as { usage: { prompt_tokens: number } }
    const { cost } = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
    assert.equal(Number(cost.usd), usage.prompt_tokens / 1e6, 'at the new price')

    await writeFile(sluice.configFile, configOf({ keys: '' }))
    await eventually('the key is refused', async () => (await statusOf(sluice, 'smart')) === 401)
  })

  test('does not touch a call under way, which ends on the old one', async () => {
    const models = '"*": { targets: ["sim/*"] }'
    const sluice = await startSluice({ config: configOf({ models }) })
    const slow = await ask(sluice, 'sim-1?pace=20ms&tokens=100', { stream: true })
    const reader = slow.body?.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader?.read()
    await writeFile(sluice.configFile, configOf({ models: other, keys: `{ name: new, key: ${key}-new }` }))
    await untilSaid(sluice, /was reloaded/)
    assert.equal(await statusOf(sluice, 'other'), 401, 'the new one is in force')
    let text = first?.value ?? ''
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) text += part.value
    assert.match(text, /data: \[DONE\]\s*$/)
    const { status, usage } = await callOnRecord(sluice, slow.headers.get('x-sluice-call'))
    assert.equal(usage.output_tokens, 100)
    assert.equal(status, 'succeeded')
  })

  test('is refused when it is broken: the old one stays in force, and the log names the line and the path', async () => {
    const sluice = await startSluice({ config: configOf() })
    await writeFile(sluice.configFile, `${configOf({ models: other })}\nlog_level: loud\n`)
    const line = await untilSaid(sluice, /is broken; the old one stays in force/)
    const { level, problems } = JSON.parse(line)
    assert.deepEqual([level, problems[0].line, problems[0].path], [50, 6, 'log_level'])
    assert.deepEqual([await statusOf(sluice, 'smart'), await statusOf(sluice, 'other')], [200, 404])
    await writeFile(sluice.configFile, configOf({ models: other }))
    await untilServed(sluice, 'other')
  })

  test('of what only a start can change is named in a warning, and the rest is in force', async () => {
    const sluice = await startSluice({ config: configOf() })
    const more =
      'listen: 127.0.0.1:1\ndata: /nowhere\ndatabase: postgres://nowhere/x\nrequests: { max_body: 1kb }'
    await writeFile(sluice.configFile, configOf({ models: other, more }))
    const { level, settings } = JSON.parse(await untilSaid(sluice, /need a restart/))
    assert.equal(level, 40)
    assert.deepEqual(settings, ['listen', 'data', 'database', 'requests.max_body'])
    await untilServed(sluice, 'other')
  })
})

suite('the configuration file is found again', () => {
  test('when another is put in its place, and when it was away for a while', async () => {
    const sluice = await startSluice({ config: configOf() })
    await rm(sluice.configFile)
    process.kill(sluice.pid, 'SIGHUP')
    await untilSaid(sluice, /cannot be read: there is no such file\. The old one stays in force/)
    assert.equal(await statusOf(sluice, 'smart'), 200)
    const fresh = `${sluice.configFile}.new`
    await writeFile(fresh, configOf({ models: other }))
    await rename(fresh, sluice.configFile)
    await untilServed(sluice, 'other')
  })

  test('behind a link that is made to point elsewhere', async () => {
    const folder = await temporaryFolder()
    for (const [version, models] of Object.entries({ one: undefined, two: other })) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'sluice.yaml'), configOf(models ? { models } : {}))
    }
    await symlink('one', join(folder, '..data'))
    await symlink('..data/sluice.yaml', join(folder, 'sluice.yaml'))
    const sluice = await startSluice({ args: ['--config', join(folder, 'sluice.yaml')] })
    assert.equal(await statusOf(sluice, 'smart'), 200)
    await symlink('two', join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
    await untilServed(sluice, 'other')
  })

  test('on SIGHUP, when the environment or nothing at all has changed', async () => {
    const sluice = await startSluice({ config: configOf() })
    process.kill(sluice.pid, 'SIGHUP')
    await untilSaid(sluice, /was reloaded/)
    assert.equal(await statusOf(sluice, 'smart'), 200)
  })
})
