import { type MessagePort, parentPort } from 'node:worker_threads'
import type { Wanted } from './aside.ts'
import { faultyParts } from './faulty-parts.ts'
import { simulate } from './world.ts'

/** The thread of `Aside`. What throws here ends it, and reaches whoever waits for an answer. */
const asking = parentPort as MessagePort

asking.on('message', async ({ seed, faulty }: Wanted) => {
  asking.postMessage(await simulate(seed, faulty === undefined ? undefined : faultyParts[faulty]))
})
