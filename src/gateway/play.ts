import type { Exchange } from '#events'
import { Fault } from '#exchange'
import type { Tape } from '#idempotency'
import type { Client } from './answer.ts'

/**
 * Gives a reader the answer of another call from its beginning: what there is of it, then what comes, at the
 * reader's own pace. Resolves when it has it all; fails as that call failed, or with `client_closed`.
 */
export function play(tape: Tape, client: Client, exchange: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    const player = new Player(tape, client, exchange)
    const stop = tape.follow(go)
    const over = (): void => {
      stop()
      if (player.fault) reject(player.fault)
      else resolve()
    }
    function go(): void {
      if (player.go()) over()
    }
    client.onGone(() => {
      if (player.leave()) over()
    })
    client.onDrain(() => {
      player.drained()
      go()
    })
    go()
  })
}

/** States: waiting for the head → flowing ⇄ paused → over. */
class Player {
  readonly #tape: Tape
  readonly #client: Client
  readonly #exchange: Exchange
  #at = 0
  #begun = false
  #paused = false
  #over = false
  fault: Fault | undefined

  constructor(tape: Tape, client: Client, exchange: Exchange) {
    this.#tape = tape
    this.#client = client
    this.#exchange = exchange
  }

  drained(): void {
    this.#paused = false
  }

  /** True when this has ended it. */
  leave(): boolean {
    return this.#end(new Fault('client_closed', 'The caller hung up before the answer was complete.'))
  }

  /** Gives what can be given now; true when that has ended it. */
  go(): boolean {
    if (this.#over || this.#paused) return false
    const tape = this.#tape
    if (tape.state === 'spilled') return this.#end(tooLarge())
    return tape.head && !tape.head.streamed ? this.#goWhole(tape.head) : this.#goStream()
  }

  #goWhole({ status, headers }: { status: number; headers: Readonly<Record<string, string>> }): boolean {
    const { state, fault } = this.#tape
    if (state === 'failed') return this.#end(fault)
    if (state !== 'done') return false
    const body = this.#tape.whole()
    this.#exchange.hear(body)
    this.#client.send({ status, headers, body }, this.#exchange)
    return this.#end(undefined)
  }

  #goStream(): boolean {
    const { head, state, fault } = this.#tape
    if (head && !this.#begun) {
      this.#begun = true
      this.#client.begin(head.headers, this.#exchange, head.status)
    }
    for (let bytes = this.#tape.read(this.#at); bytes.length > 0; bytes = this.#tape.read(this.#at)) {
      this.#at += bytes.length
      this.#exchange.hear(bytes)
      if (this.#client.write(bytes)) continue
      this.#paused = true
      return false
    }
    if (state === 'open') return false
    if (state === 'done') this.#client.end()
    return this.#end(fault)
  }

  #end(fault: Fault | undefined): boolean {
    if (this.#over) return false
    this.#over = true
    this.fault = fault
    return true
  }
}

function tooLarge(): Fault {
  return new Fault(
    'idempotency_not_kept',
    'The answer to this `Idempotency-Key` has become larger than what this server keeps (`idempotency.max_answer` in its configuration), so it cannot be given to a second request. Send it with a new key to have it made, and paid for, once more.',
  )
}
