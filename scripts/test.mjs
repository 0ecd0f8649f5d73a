/**
 * `npm test`: every test there is, by Node's own runner. `npm test -- keys` runs the files with `keys` in their
 * path; arguments that begin with a dash go to the runner (`npm test -- --test-name-pattern=revoked`).
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const suiteGoalMs = 5 * 60_000
/** A machine may be slow or busy; a suite that hangs is ended all the same. */
const suiteTimeoutMs = 12 * 60_000
const testTimeoutMs = 4 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
/** As `npm start` has it: each of some hundred test files would read and compile all of the source anew. */
const compileCache = fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url))
const given = process.argv.slice(2)
const filters = given.filter(argument => !argument.startsWith('-'))
const options = given.filter(argument => argument.startsWith('-'))

const files = globSync(
  ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'simulate/**/*.test.ts'],
  { cwd: root },
)
  .filter(file => filters.length === 0 || filters.some(filter => file.includes(filter.replace(/^\.\//, ''))))
  .sort()
if (files.length === 0) {
  process.stderr.write(
    `sluice: no test file ${filters.length > 0 ? `matches ${filters.join(', ')}` : 'found'}\n`,
  )
  process.exit(1)
}

const runner = spawn(
  process.execPath,
  [
    '--liftoff-only', // as in test/support/program.ts
    '--test',
    '--test-reporter=spec',
    '--test-concurrency=3', // on two cores: many files wait for more than they work
    `--test-timeout=${testTimeoutMs}`,
    '--import=./test/support/leaks.ts',
    ...options,
    ...files,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: compileCache } },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal))

const startedAtMs = Date.now()
let tookTooLong = false
const watchdog = setTimeout(() => {
  tookTooLong = true
  runner.kill('SIGTERM')
}, suiteTimeoutMs)

runner.once('exit', code => {
  clearTimeout(watchdog)
  if (!process.env.SLUICE_TEST_DATABASE_URL) {
    process.stdout.write(
      'NOT RUN: the part that needs a real Postgres. Set SLUICE_TEST_DATABASE_URL=postgres://…, or (as root) ' +
        'export SLUICE_TEST_DATABASE_URL=$(scripts/test-postgres.sh start)\n',
    )
  }
  if (!process.env.SLUICE_TEST_VALKEY_URL) {
    process.stdout.write(
      'NOT RUN: the part that needs a real Valkey. Set SLUICE_TEST_VALKEY_URL=valkey://…, or (as root) ' +
        'export SLUICE_TEST_VALKEY_URL=$(scripts/test-valkey.sh start)\n',
    )
  }
  if (Date.now() - startedAtMs > suiteGoalMs)
    process.stdout.write(`SLOW: the suite took more than the ${suiteGoalMs / 60_000} minutes it may take\n`)
  if (tookTooLong)
    process.stdout.write(`FAILED: the suite took more than ${suiteTimeoutMs / 60_000} minutes\n`)
  process.exitCode = tookTooLong ? 1 : (code ?? 1) // no code: ended by a signal
})
