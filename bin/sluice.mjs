#!/usr/bin/env node
/**
 * The `sluice` command. The program needs Node 24, which a checkout brings along; the system's own Node, which runs
 * this file, may be older. Then the pinned one takes over, in the same terminal and with every signal passed on.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const minimumMajor = 24
const program = new URL('../src/roles/sluice.ts', import.meta.url)

if (Number.parseInt(process.versions.node, 10) >= minimumMajor) {
  process.argv[1] = fileURLToPath(program)
  await import(program.href)
} else {
  handOver(findPinnedNode())
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(program), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal))
  }
  child.once('error', cause => fail(`Node ${minimumMajor} could not be started: ${cause.message}`))
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function findPinnedNode() {
  try {
    const node = createRequire(import.meta.url)
      .resolve('node/package.json')
      .replace(/package\.json$/, 'bin/node')
    if (existsSync(node)) return node
  } catch {
    // not installed: said below
  }
  const setup = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url))
  return fail(
    `Node ${minimumMajor} or newer is needed, and this is ${process.version}. Run first: node ${setup}`,
  )
}

function fail(sentence) {
  process.stderr.write(`sluice: ${sentence}\n`)
  process.exit(1)
}
