import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, getTestContext } from 'node:test'

type Work = () => Promise<unknown>

const stacks = new WeakMap<object, Work[]>()
const file = {}

/**
 * Runs `work` when the test, suite or file that is running now has ended: last in, first out, so that a program
 * is gone before the folder it writes to.
 */
export function atEnd(work: Work): void {
  const context = getTestContext()
  const scope = context ?? file
  const stack = stacks.get(scope)
  if (stack) {
    stack.push(work)
    return
  }
  const fresh = [work]
  stacks.set(scope, fresh)
  // The plain `after` would, inside a `before` hook, run as soon as that hook is done.
  if (context && 'after' in context) context.after(() => unwind(fresh))
  else after(() => unwind(fresh))
}

/** An empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** Does all of it, even when some of it fails, and then fails with what failed. */
async function unwind(stack: Work[]): Promise<void> {
  const failures: unknown[] = []
  for (let work = stack.pop(); work; work = stack.pop()) {
    try {
      await work()
    } catch (cause) {
      failures.push(cause)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'The test did not clean up after itself')
}
