import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPressure } from './pressure.ts'

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

test('tells an event loop that is held up from one that is not, and memory by its bound', async () => {
  const pressure = createPressure()
  await pause(100)
  pressure.takeLoopDelayMs()
  for (let turns = 0; turns < 5; turns += 1) {
    const until = performance.now() + 200
    while (performance.now() < until);
    await pause(1)
  }
  assert.ok(pressure.takeLoopDelayMs() > 50)
  assert.equal(pressure.takeLoopDelayMs(), 0, 'what was told is not told again')
  const share = pressure.memoryShare()
  assert.ok(share > 0 && share < 1, `${share} of it is used`)
})
