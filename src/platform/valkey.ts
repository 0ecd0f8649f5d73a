import { createHash } from 'node:crypto'
import type { Redis, RedisOptions } from 'iovalkey'
import type { Clock } from './clock.ts'
import { createDeadlines, type Deadlines } from './deadlines.ts'
import type { Log } from './log.ts'
import { Outbox } from './outbox.ts'

/** A script of the server: all of it is done, and nothing else meanwhile. */
export interface Script {
  source: string
  sha: string
}

export function valkeyScript(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

/** The server is gone, refuses us, or did not answer in time. */
export class ValkeyAway extends Error {
  /** Whether the step may have been made all the same. */
  readonly maybeDone: boolean
  /** It did not answer in time; nothing says that it is gone. */
  readonly isLate: boolean

  constructor(
    message: string,
    { maybeDone, isLate = false, cause }: { maybeDone: boolean; isLate?: boolean; cause?: unknown },
  ) {
    super(message, { cause })
    this.name = 'ValkeyAway'
    this.maybeDone = maybeDone
    this.isLate = isLate
  }
}

/** A Valkey (8 or later), or one shard of a cluster: all keys of all scripts must be of one slot. */
export interface Valkey {
  readonly isThere: boolean
  /**
   * What the script returns: texts, numbers and lists of them. Throws `ValkeyAway` at once while the server is out of
   * reach, and when it does not answer within the time of a step; nothing is queued, and nothing is sent twice.
   */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** The same for who can wait: up to a second, also while the server is silent; a moment, for others to go along. */
  runPatiently(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
  close(): Promise<void>
}

export interface ValkeyOptions {
  /** `valkey://`, or `valkeys://` for TLS; `redis://` and `rediss://` mean the same. */
  url: string
  /** Within which an answer must be there. */
  stepTimeoutMs: number
  clock: Clock
  log: Log
}

/**
 * When nothing at all came for so many times the time of a step, although something was asked, the next steps do not
 * wait. Late answers are signs of life: all steps of a crowd are late at once when the machine was busy for a moment.
 */
const patience = 10
/** A connection over which nothing came for so long is given up for another. */
const silenceMs = 2_000
const longestPauseMs = 250
const patientMs = 1_000

/**
 * Connects in the background: the server need not be there. Of the clients for Node, `iovalkey` (the fork of ioredis
 * that Valkey's project keeps; pure JavaScript) is loaded in 70 ms and takes 11 to 22 µs of CPU a step; `@redis/client`
 * took 380 ms and 13 to 25 µs, and `@valkey/valkey-glide` is native code. It is loaded only where there is a Valkey.
 */
export async function openValkey(options: ValkeyOptions): Promise<Valkey> {
  const { Redis, Command } = (await import('iovalkey')).default
  const seed = addressOf(options.url)
  const client = new Redis({
    ...seed,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: silenceMs,
    keepAlive: 10_000,
    maxLoadingRetryTime: 100,
    retryStrategy(times) {
      // A shard that is gone cannot say where its keys are now; the address that was configured may know.
      if (times % 3 === 0) Object.assign(client.options, { host: seed.host, port: seed.port })
      return Math.min(longestPauseMs, times * 50)
    },
  })
  const outbox = new Outbox(options.clock)
  return new Connection(client, options, {
    outbox,
    send(name, words, hurried = true) {
      const command = new Command(name, words, { replyEncoding: 'utf8' })
      if (client.status === 'ready') outbox.open(client.stream, { hurried })
      void client.sendCommand(command)
      return command.promise
    },
  })
}

interface Step {
  script: Script
  keys: readonly string[]
  args: readonly string[]
  hurried: boolean
}

interface Wire {
  send(name: string, words: string[], hurried?: boolean): Promise<unknown>
  outbox: Outbox
}

/**
 * States: connecting (also again) → there ⇄ silent (nothing was answered for a while; a ping that nobody waits for is
 * what ends it) → closed. Only `there` are steps sent.
 */
class Connection implements Valkey {
  readonly #client: Redis
  readonly #options: ValkeyOptions
  readonly #wire: Wire
  readonly #deadlines: Deadlines
  readonly #patientDeadlines: Deadlines
  /** Steps that have no answer yet, also those that nobody waits for any more. */
  #open = 0
  /** Since when the server owes an answer: the last one came, or the first question was asked. */
  #owesSinceMs = 0
  #isSilent = false
  #wasThere = true
  #isClosed = false
  #stopProbe: () => void = () => undefined

  constructor(client: Redis, options: ValkeyOptions, wire: Wire) {
    this.#client = client
    this.#options = options
    this.#wire = wire
    this.#deadlines = createDeadlines(options.clock, options.stepTimeoutMs)
    this.#patientDeadlines = createDeadlines(options.clock, Math.max(patientMs, options.stepTimeoutMs))
    client.on('error', cause => this.#lost(cause))
    client.on('close', () => this.#lost())
    client.on('ready', () => this.#found())
    client.connect().catch(() => undefined) // it tries again by itself
  }

  get isThere(): boolean {
    return this.#client.status === 'ready' && !this.#isSilent
  }

  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    if (!this.isThere) return outOfReach()
    return this.#answer(this.#step({ script, keys, args, hurried: true }), this.#deadlines)
  }

  runPatiently(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    if (this.#client.status !== 'ready') return outOfReach()
    return this.#answer(this.#step({ script, keys, args, hurried: false }), this.#patientDeadlines)
  }

  #answer(step: Promise<unknown>, deadlines: Deadlines): Promise<unknown> {
    if (this.#open++ === 0) this.#owesSinceMs = this.#options.clock.monotonic()
    return new Promise((resolve, reject) => {
      const answered = deadlines.begin(() => {
        this.#late()
        const isLate = !this.#isSilent
        reject(new ValkeyAway('valkey did not answer in time', { maybeDone: true, isLate }))
      })
      step.then(
        value => {
          answered()
          this.#heard()
          resolve(value)
        },
        (cause: unknown) => {
          answered()
          this.#heard()
          reject(this.#explain(cause))
        },
      )
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopProbe()
    this.#deadlines.stop()
    this.#patientDeadlines.stop()
    this.#wire.outbox.flush()
    this.#client.disconnect()
  }

  #step({ script, keys, args, hurried }: Step): Promise<unknown> {
    const words = [script.sha, String(keys.length), ...keys, ...args]
    return this.#wire.send('evalsha', words, hurried).catch((cause: unknown) => {
      if (!isReply(cause, 'NOSCRIPT')) throw cause
      words[0] = script.source
      return this.#wire.send('eval', words, hurried)
    })
  }

  /** A refusal of the server is an outage when it is about the server, and a bug of ours when it is about the script. */
  #explain(cause: unknown): Error {
    if (isReply(cause, 'MOVED')) this.#follow(cause.message)
    else if (isReply(cause, 'READONLY')) this.#client.disconnect(true) // another took over; look where the name leads
    if (isReply(cause, ...ofScript)) return cause
    const message = cause instanceof Error ? cause.message : String(cause)
    const maybeDone = !isReply(cause, ...refusals)
    return new ValkeyAway(`valkey is out of reach: ${message}`, { maybeDone, cause })
  }

  /** All our keys are on one shard of a cluster, so that one connection is enough: `MOVED 866 10.0.0.7:6379`. */
  #follow(moved: string): void {
    const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(moved) ?? []
    if (port === undefined) return
    Object.assign(this.#client.options, { ...(host && { host }), port: Number(port) })
    this.#client.disconnect(true)
  }

  #heard(): void {
    this.#open -= 1
    this.#owesSinceMs = this.#options.clock.monotonic()
  }

  #late(): void {
    const { clock, stepTimeoutMs } = this.#options
    const silentForMs = clock.monotonic() - this.#owesSinceMs
    if (this.#isSilent || silentForMs < patience * stepTimeoutMs) return
    this.#isSilent = true
    this.#lost(new Error(`no answer for ${Math.round(silentForMs)} ms`))
    this.#probe()
  }

  /** What is behind a slow step is answered later; where nothing is, another connection may have more luck. */
  #probe(): void {
    this.#wire.send('ping', []).then(
      () => this.#found(),
      () => undefined,
    )
    this.#stopProbe = this.#options.clock.after(silenceMs, () => {
      if (this.#isSilent && !this.#isClosed) this.#client.disconnect(true)
    })
  }

  #found(): void {
    this.#isSilent = false
    this.#owesSinceMs = this.#options.clock.monotonic()
    this.#stopProbe()
    if (!this.#wasThere) this.#options.log.info('valkey is back')
    this.#wasThere = true
  }

  #lost(cause?: unknown): void {
    if (!this.#wasThere || this.#isClosed) return
    this.#wasThere = false
    this.#options.log.warn({ err: cause }, 'valkey is out of reach')
  }
}

function outOfReach(): Promise<never> {
  return Promise.reject(new ValkeyAway('valkey is out of reach', { maybeDone: false }))
}

/** The server has done nothing. */
const refusals = [
  'MOVED',
  'READONLY',
  'LOADING',
  'BUSY',
  'OOM',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'NOAUTH',
  'NOPERM',
]
const ofScript = ['ERR', 'WRONGTYPE']

/** An error that the server answered with, by its first word. */
function isReply(cause: unknown, ...words: string[]): cause is Error {
  if (!(cause instanceof Error) || cause.name !== 'ReplyError') return false
  return words.some(word => cause.message.startsWith(word))
}

function addressOf(text: string): RedisOptions & { host: string; port: number } {
  const url = new URL(text)
  const database = Number(url.pathname.slice(1) || 0)
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(url.port || 6379),
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...(database > 0 && { db: database }),
    ...(/^(rediss|valkeys):$/.test(url.protocol) && { tls: {} }),
  }
}
