/**
 * Makes a checkout ready to run: the dependencies at their locked versions, the pinned Node among them. Runs before
 * `npm start` and `npm test`, on whatever Node the system has (20 or newer) and with nothing installed, and costs
 * a file's hash when there is nothing to do.
 *
 * States: *ready* (the stamp in `node_modules` names the hash of `package-lock.json`) and *stale* (anything else).
 * The stamp is written last, so a setup that was killed leaves the checkout stale and the next one starts over.
 * One setup at a time: a symlink whose target names the processes at work (`12,34@host`: this one, and npm, which
 * outlives it when it is killed) is the lock, since making one is atomic and it can never be seen half written. A
 * lock whose processes are gone is taken away by whoever meets it.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = `${root}node_modules/.sluice-setup`
const pinnedNode = `${root}node_modules/.bin/node`
const lockFile = `${root}.sluice-setup.lock`
const minimumMajor = 24
// Only for locks whose process cannot be asked: another machine's, on a shared disk. No setup takes this long.
const foreignLockExpiresMs = 30 * 60_000
const asideFile = `${lockFile}.${process.pid}`
const ownLock = `${process.pid}@${hostname()}`

const npmArguments = [
  'ci',
  '--include=dev', // a checkout is set up whole, so that the stamp holds for `npm test` as for `npm start`
  '--prefer-offline', // the lock file's hashes decide what is right; a cached copy with that hash needs no network
  '--fetch-retry-mintimeout=2000', // with npm's own waits, being offline would take more than a minute to say
  '--fetch-retry-factor=4',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--loglevel=error', // among others, hides that the system's Node is not the one we run on
]

if (!isReady()) await setUp()

async function setUp() {
  await lock()
  try {
    if (isReady()) return // somebody else did it while we waited
    say('installing the dependencies at their locked versions (once, and after an update)')
    const startedMs = Date.now()
    await installDependencies()
    checkPinnedNode()
    writeFileSync(stampFile, wantedStamp())
    say(`dependencies are in place after ${seconds(startedMs)} s`)
  } finally {
    unlock()
  }
}

function isReady() {
  try {
    return readFileSync(stampFile, 'utf8') === wantedStamp() && existsSync(pinnedNode)
  } catch {
    return false
  }
}

/** What the stamp says when `node_modules` fits the lock file, on this kind of machine. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(`${root}package-lock.json`))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}

async function installDependencies() {
  const startedMs = Date.now()
  const ticker = setInterval(() => say(`still installing (${seconds(startedMs)} s)`), 10_000)
  const { code, said, interrupted } = await runNpm()
  clearInterval(ticker)
  if (code === 0) return
  if (interrupted) fail('interrupted; the next start sets up anew.')
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET/.test(said)
  ) {
    fail('the package registry cannot be reached; are you offline? Try again when the network is there.')
  }
  fail(`"npm ci" failed (${code}); its own words are above.`)
}

/** Runs npm and passes its words on to standard error, since standard output belongs to the program started after. */
function runNpm() {
  return new Promise(resolve => {
    const npm = spawn('npm', npmArguments, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    if (npm.pid) shareLock(npm.pid)
    let said = ''
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.on('data', bytes => {
        said += bytes
        if (stream === npm.stderr) process.stderr.write(bytes)
      })
    }
    let interrupted = false
    const pass = signal => {
      interrupted = true
      npm.kill(signal) // and wait for its end, so that the next setup does not meet it
    }
    process.on('SIGINT', pass)
    process.on('SIGTERM', pass)
    npm.once('error', cause =>
      fail(`npm could not be run (${cause.message}). It comes with Node: is it on PATH?`),
    )
    npm.once('close', (code, signal) => {
      process.off('SIGINT', pass)
      process.off('SIGTERM', pass)
      resolve({ code: code ?? signal, said, interrupted })
    })
  })
}

/** The npm package `node` fetches its binary in an install script, which npm may have been told not to run. */
function checkPinnedNode() {
  let version
  try {
    version = execFileSync(pinnedNode, ['--version'], { encoding: 'utf8' }).trim()
  } catch {
    fail(
      'the pinned Node is missing (node_modules/.bin/node). npm must be allowed to run the install script of ' +
        'the package "node": see that "npm config get ignore-scripts" says false, and try again.',
    )
  }
  const major = Number.parseInt(version.replace('v', ''), 10)
  if (!(major >= minimumMajor)) fail(`the pinned Node is ${version}, but ${minimumMajor} or newer is needed.`)
}

/** Waits until no other setup is at work in this checkout. */
async function lock() {
  let waited = false
  while (!takeLock()) {
    const holder = lockHolder()
    if (holder === undefined) continue
    if (isAbandoned(holder)) {
      removeLock(holder)
      continue
    }
    if (!waited) say(`another setup is at work in this checkout (process ${holder}); waiting for it`)
    waited = true
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  process.once('exit', unlock)
}

function takeLock() {
  try {
    symlinkSync(ownLock, lockFile)
    return true
  } catch (cause) {
    if (cause.code === 'EEXIST') return false
    fail(`the checkout cannot be written to (${cause.message}).`)
  }
}

/** From now on the lock holds for as long as either process lives. */
function shareLock(pid) {
  symlinkSync(`${process.pid},${pid}@${hostname()}`, asideFile)
  renameSync(asideFile, lockFile)
}

function unlock() {
  const [pid] = (lockHolder() ?? '').split(/[,@]/)
  if (pid === String(process.pid)) unlinkSync(lockFile)
}

function lockHolder() {
  try {
    return readlinkSync(lockFile)
  } catch {
    return undefined
  }
}

function isAbandoned(holder) {
  const [pids, host] = holder.split('@')
  if (host !== hostname()) return lockAgeMs() > foreignLockExpiresMs
  return !pids.split(',').some(isAlive)
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (cause) {
    return cause.code !== 'ESRCH'
  }
}

function lockAgeMs() {
  try {
    return Date.now() - lstatSync(lockFile).mtimeMs
  } catch {
    return 0
  }
}

/** Takes an abandoned lock away. Of several who try, one moves it; who moved a newer one instead puts that back. */
function removeLock(holder) {
  try {
    renameSync(lockFile, asideFile)
  } catch (cause) {
    if (cause.code === 'ENOENT') return // somebody was faster
    fail(`an abandoned lock is in the way; remove ${lockFile} (${cause.message}).`)
  }
  const moved = readlinkSync(asideFile)
  if (moved === holder) unlinkSync(asideFile)
  else renameSync(asideFile, lockFile)
}

function seconds(sinceMs) {
  return Math.round((Date.now() - sinceMs) / 1000)
}

function say(sentence) {
  process.stderr.write(`sluice: ${sentence}\n`)
}

function fail(sentence) {
  say(sentence)
  process.exit(1)
}
