/**
 * Loaded into every test file by `npm test`: a file whose tests are all done, but which is kept alive by a socket, a
 * timer or a process it left open, fails and says by what, instead of hanging. (The runner's own `--test-force-exit`
 * hides such leaks and loses the results that are still on their way through the pipe.)
 */
import { after } from 'node:test'

/** For what closes after the last test, such as a pool's idle connections. */
const graceMs = 10_000

// The runner's own process loads this as well, and has no tests.
if (process.env.NODE_TEST_CONTEXT) {
  after(() => {
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ')
      process.stderr.write(`All tests are done, but the file is kept alive by: ${open}\n`)
      process.exit(1)
    }, graceMs).unref()
  })
}
