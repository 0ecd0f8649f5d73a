/** Where a contestant is to stand. */
export interface Seat {
  port: number
  /** The canned upstream's base URL, without `/v1`. */
  upstream: string
  /** An empty folder of its own, removed afterwards. */
  folder: string
}

/** How to start it: one process, which may start others. */
export interface Launch {
  command: string
  args: string[]
  env?: Record<string, string>
}

/** One of those compared; `gateways/` has one file for each. */
export interface Contestant {
  name: string
  /** What it does with a call in this run, for the reader of the table. */
  does: string
  /** The model's name in the request's body. */
  model: string
  /** Header lines that each request carries, as `name: value`. */
  headers(seat: Seat): string[]
  /**
   * Brings what is needed onto this machine, at pinned versions; throws, with a sentence, what is in the way.
   * Returns what the machine itself added to it, such as the version of Python.
   */
  prepare?(say: (line: string) => void): Promise<string | undefined>
  /** Absent for the upstream itself. */
  launch?(seat: Seat): Launch
  /** The event loop's delay as it tells it itself: a Prometheus metric in seconds, reset by each scrape. */
  eventLoopDelay?: { path: string; metric: string }
}
