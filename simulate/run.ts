/**
 * `npm run simulate`: the way of a call, from a seed, on a virtual clock. `docs/simulate.md` says what is simulated and
 * which laws must hold.
 */
import { parseArgs } from 'node:util'
import { Total } from './total.ts'
import { type Outcome, simulate } from './world.ts'

const help = `npm run simulate -- [--seeds 1000] [--from 1] [--seed 123 [--verbose]] [--twice]

  --seeds     how many scenarios, one for each seed
  --from      the first seed
  --seed      only this one
  --verbose   tell what happened
  --twice     run each seed twice, and compare what happened`

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Of each seed, as many broken laws are shown. */
const mostShown = 5

if (options.help) process.stdout.write(`${help}\n`)
else await main()

async function main(): Promise<void> {
  const first = Number(options.seed ?? options.from)
  const count = options.seed === undefined ? Number(options.seeds) : 1
  if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1) {
    process.stderr.write(`${help}\n`)
    process.exitCode = 2
    return
  }
  const startedMs = performance.now()
  const total = new Total()
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await simulate(seed)
    if (options.verbose) process.stdout.write(`${outcome.story.join('\n')}\n`)
    if (options.twice) await compare(outcome, total)
    report(outcome)
    total.add(outcome)
  }
  process.stdout.write(total.tell((performance.now() - startedMs) / 1000))
  process.exitCode = total.broken > 0 ? 1 : 0
}

async function compare(outcome: Outcome, total: Total): Promise<void> {
  const { trace } = await simulate(outcome.seed)
  if (trace === outcome.trace) return
  total.broken += 1
  process.stdout.write(`seed ${outcome.seed} is not the same twice: ${outcome.trace}, then ${trace}\n`)
}

function report({ seed, breaches }: Outcome): void {
  for (const { law, detail } of breaches.slice(0, mostShown))
    process.stdout.write(`seed ${seed} breaks "${law}": ${detail}\n`)
  if (breaches.length === 0) return
  if (breaches.length > mostShown) process.stdout.write(`  and ${breaches.length - mostShown} more\n`)
  process.stdout.write(`  again, step by step: npm run simulate -- --seed ${seed} --verbose\n`)
}
