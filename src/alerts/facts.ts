import { isoTime } from '#platform'
import { alertIdOf } from './alert.ts'
import type { Told } from './destination.ts'

/** What people are shown of an alert beside its title, name by name. */
export function factsOf(alert: Told): [name: string, value: string][] {
  const facts: [string, string][] = Object.entries(alert.detail).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name.replaceAll('_', ' '), showValue(value)]],
  )
  if (alert.organization !== undefined && alert.detail.organization === undefined)
    facts.push(['organization', alert.organization])
  facts.push(['raised at', isoTime(alert.raisedAtMs)], ['alert', alertIdOf(alert.id)])
  return facts
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
