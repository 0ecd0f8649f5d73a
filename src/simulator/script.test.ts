import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { failures } from './failures.ts'
import { Playbook, wellKnownModels } from './playbook.ts'
import { RateWindows } from './rate-window.ts'
import { knobs, readScript, type Script } from './script.ts'
import { createHandClock, readJson, setStage } from './stage.ts'
import { spellKnobs } from './timetable.ts'

function scriptOf(...texts: string[]): Script {
  const script = readScript(texts)
  assert.ok(!(script instanceof ApiError), 'the script can be read')
  return script
}

/** Which of the first `count` calls fail. */
function failing(playbook: Playbook, name: string, count = 10): number[] {
  return Array.from({ length: count }, (_, index) => index + 1).filter(() => {
    const cue = playbook.cue(name, '')
    return !(cue instanceof ApiError) && cue.failure !== undefined
  })
}

test('reads durations, counts and flags', () => {
  const script = scriptOf('ttft=1.5s&pace=20ms&tokens=64&nousage&for=2m')
  assert.equal(script.ttftMs, 1500)
  assert.equal(script.paceMs, 20)
  assert.equal(script.tokens, 64)
  assert.equal(script.noUsage, true)
  assert.equal(script.forMs, 120_000)
})

test('lets the later script win, knob by knob', () => {
  const script = scriptOf('ttft=1s&tokens=64', 'tokens=8')
  assert.equal(script.ttftMs, 1000)
  assert.equal(script.tokens, 8)
})

test('fails on the calls that were named, each n-th, or a share of them', () => {
  const playbook = new Playbook({ seed: 1, clock: createHandClock() })
  assert.deepEqual(failing(playbook, 'sim-1?fail=500&on=3'), [3])
  assert.deepEqual(failing(playbook, 'sim-1?fail=500&on=1-2,5'), [1, 2, 5])
  assert.deepEqual(failing(playbook, 'sim-1?fail=500&every=5'), [5, 10])
  assert.equal(failing(playbook, 'sim-1?fail=500').length, 10)
  const share = failing(playbook, 'sim-1?fail=500&rate=0.1', 2000).length
  assert.ok(share > 140 && share < 260, `about a tenth of 2000, got ${share}`)
})

test('fails on the same calls again with the same seed, and on others with another', () => {
  const name = 'sim-1?fail=500&rate=0.5'
  const first = failing(new Playbook({ seed: 1, clock: createHandClock() }), name, 40)
  assert.deepEqual(failing(new Playbook({ seed: 1, clock: createHandClock() }), name, 40), first)
  assert.notDeepEqual(failing(new Playbook({ seed: 2, clock: createHandClock() }), name, 40), first)
})

test('counts the calls of each script apart', () => {
  const playbook = new Playbook({ seed: 1, clock: createHandClock() })
  assert.deepEqual(failing(playbook, 'sim-1?fail=500&on=1&as=one', 2), [1])
  assert.deepEqual(failing(playbook, 'sim-1?fail=500&on=1&as=two', 2), [1])
})

test('says which knob is wrong, and which there are', async t => {
  const stage = await setStage(t)
  const answer = await stage.chat('sim-1?tftt=1s')
  assert.equal(answer.status, 400)
  const { error } = await readJson(answer)
  assert.equal(error.code, 'invalid_script')
  assert.match(error.message, /no knob 'tftt'.*ttft/)
  for (const script of ['tokens=-1', 'ttft=soon', 'fail=999', 'rate=2', 'on=x', 'tokens=1000000']) {
    assert.equal((await stage.chat(`sim-1?${script}`)).status, 400, script)
  }
})

test('lets the header overrule the model, and the weather neither', async t => {
  const stage = await setStage(t)
  const weather = async (script: string) =>
    await fetch(`${stage.root}/weather`, { method: 'PUT', body: script })
  assert.equal((await weather('fail=503')).status, 200)
  assert.equal((await stage.chat('sim-1')).status, 503)
  assert.equal((await stage.chat('sim-1?fail=500')).status, 500)
  assert.equal((await stage.chat('sim-1?fail=500', {}, { 'x-sim-script': 'fail=529' })).status, 529)
  assert.equal((await weather('fail=nonsense')).status, 400)
  assert.equal((await weather('')).status, 200)
  assert.equal((await stage.chat('sim-1')).status, 200)
})

test('refills a rate limit evenly over the minute, for each name apart', () => {
  const clock = createHandClock()
  const windows = new RateWindows(clock)
  const take = (name: string): boolean => windows.take(name, 2).allowed
  assert.deepEqual([take('a'), take('a'), take('a'), take('b')], [true, true, false, true])
  assert.equal(windows.take('a', 2).retryMs, 30_000)
  clock.advance(30_000)
  assert.deepEqual([take('a'), take('a')], [true, false])
})

test('documents every knob, failure and well-known model', () => {
  const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8')
  const names = [
    ...Object.keys(knobs),
    ...spellKnobs,
    ...failures.keys(),
    ...wellKnownModels.map(model => model.id),
  ]
  assert.deepEqual(
    names.filter(name => !page.includes(`\`${name}\``)),
    [],
  )
})
