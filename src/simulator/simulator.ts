import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Chance, Clock, Log } from '#platform'
import { countTokens, messages } from './anthropic/messages.ts'
import { ApiError } from './api-error.ts'
import { type Bill, BillBook } from './bill.ts'
import { Crowds } from './crowd.ts'
import type { Desk } from './dialect.ts'
import { hash } from './dice.ts'
import { DoorKeeper } from './door-keeper.ts'
import { batchEmbedContents, embedContent } from './gemini/embed.ts'
import * as gemini from './gemini/generate.ts'
import { attend } from './office.ts'
import { chat } from './openai/chat.ts'
import { embeddings } from './openai/embeddings.ts'
import { createResponseDesks } from './openai-responses/desks.ts'
import { ResponseStore } from './openai-responses/store.ts'
import { Playbook } from './playbook.ts'
import { RateWindows } from './rate-window.ts'
import { type House, serve, splitUrl } from './serve.ts'

interface SimulatorOptions {
  /** The same seed and the same requests give the same answers, failures and ids. */
  seed: string | number
  clock: Clock
  /** Decides which calls fail at a `rate`; without it, the seed does. */
  chance?: Chance
  log?: Log
}

/** A provider of models that do not exist, with a bill that can be trusted. */
export interface Simulator {
  /** Opens the door; port 0 takes any free one. The URL is the base URL for an SDK: `http://127.0.0.1:4010/v1`. */
  listen(address: { host: string; port: number }): Promise<{ url: string }>
  /** Answers a request that came in by another way than its own door: no `door` of the weather keeps it out. */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** Closes the door and drops the connections; answers on their way are cut, and billed as such. */
  close(): Promise<void>
  readonly bill: Bill
  /** What holds for everybody from now on, by time, as `PUT /weather` takes it. Throws if it cannot be read. */
  setWeather(text: string): void
}

const desks: readonly Desk[] = [
  ...[chat, embeddings, messages, countTokens],
  ...[
    gemini.generateContent,
    gemini.streamGenerateContent,
    gemini.countTokens,
    embedContent,
    batchEmbedContents,
  ],
]
const desksByPath = new Map(desks.map(desk => [desk.path, desk]))
const patterns = desks.filter(desk => typeof desk.path !== 'string')

function findDesk(path: string): Desk | undefined {
  return desksByPath.get(path) ?? patterns.find(desk => desk.path instanceof RegExp && desk.path.test(path))
}

/** Longer than any sensible pool keeps an idle connection, so that it is always the client that closes it. */
const keepAliveMs = 120_000

export function createSimulator({ seed, clock, chance, log }: SimulatorOptions): Simulator {
  const number = hash(String(seed))
  const bill = new BillBook(number)
  const playbook = new Playbook({ seed: number, clock, chance })
  const house: House = {
    seed: number,
    clock,
    bill,
    playbook,
    windows: new RateWindows(clock),
    crowds: new Crowds(),
  }
  const responses = new ResponseStore()
  const responseDesks = createResponseDesks(responses)
  const office = { seed: String(seed), bill, playbook, responses, setWeather }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { path } = splitUrl(request)
      const found = responseDesks.find(one => one.path === path) ?? findDesk(path)
      const desk = request.method === 'POST' ? found : undefined
      if (desk) await serve(house, desk, request, response)
      else await attend(office, request, response)
    } catch (cause) {
      log?.error({ cause }, 'the simulator has a bug')
      response.destroy()
    }
  }

  const server = createServer({ noDelay: true, keepAliveTimeout: keepAliveMs }, (request, response) => {
    void handle(request, response)
  })
  const keeper = new DoorKeeper({ server, clock, orders: playbook })

  function setWeather(text: string): ApiError | undefined {
    const mistake = playbook.setWeather(text)
    if (!mistake) keeper.review()
    return mistake
  }

  return {
    bill,
    serve: (request, response) => void handle(request, response),
    setWeather(text) {
      const mistake = setWeather(text)
      if (mistake instanceof ApiError) throw new Error(mistake.message)
    },
    async listen({ host, port }) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      const bound = server.address()
      const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port
      keeper.keep({ host, port: boundPort })
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}/v1`
      log?.info({ url, seed }, 'the simulator is listening')
      return { url }
    },
    async close() {
      keeper.leave()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
