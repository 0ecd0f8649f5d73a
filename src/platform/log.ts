import { type Logger, pino } from 'pino'

export type Log = Logger

/** One JSON line an event on standard error; standard output belongs to the person who typed the command. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
}
