import type { Caller } from './call.ts'
import { Fault } from './fault.ts'

/** Whoever is no admin sees its own project. Asking for another one is refused rather than answered with nothing. */
export function ownProject<Filter extends { organization?: string; project?: string }>(
  caller: Caller,
  filter: Filter,
): Filter {
  if (caller.role === 'admin') return filter
  const { organization, project } = caller
  for (const [param, own] of Object.entries({ organization, project })) {
    const asked = filter[param as 'organization' | 'project']
    if (asked === undefined || asked === own) continue
    const message = `This key sees its own ${param} alone: leave \`${param}\` out.`
    throw new Fault('permission_denied', message, { param })
  }
  return { ...filter, organization, project }
}
