import { promises as dns } from 'node:dns'

export interface HostResolver {
  /** The addresses of a host in DNS; none when it has none. Throws when nobody can say. */
  fromDns(host: string): Promise<string[]>
  /** The same as the system finds them: hosts file, search domains and all. */
  fromSystem(host: string): Promise<string[]>
  /** Ends what is under way, as failed. */
  close(): void
}

/**
 * Names of callers go to DNS itself: the system's way takes one of Node's four threads for as long as a name server
 * cares to keep silent, and the names of the machine's own hosts file are nobody's business.
 */
export function createHostResolver(servers?: readonly string[]): HostResolver {
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 })
  if (servers) resolver.setServers(servers)
  return {
    async fromDns(host) {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
      const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
      const failure = answers.find(answer => answer.status === 'rejected' && !isAbsence(answer.reason))
      // One family is enough: there are name servers that never answer for IPv6.
      if (addresses.length === 0 && failure?.status === 'rejected') throw failure.reason
      return addresses
    },
    async fromSystem(host) {
      try {
        return (await dns.lookup(host, { all: true })).map(({ address }) => address)
      } catch (cause) {
        if (isAbsence(cause)) return []
        throw cause
      }
    },
    close: () => resolver.cancel(),
  }
}

/** The name does not exist, has no address of this family, or cannot be a name. */
function isAbsence(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && /^(ENOTFOUND|ENODATA|EBADNAME)$/.test(String(cause.code))
  )
}
