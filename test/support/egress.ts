import assert from 'node:assert/strict'
import { createEgress, type EgressOptions, type EgressReply, type EgressResult, systemClock } from '#platform'
import { isPublicAddress } from '../../src/platform/egress.address.ts'
import { atEnd } from './cleanup.ts'
import { testCertificate } from './tls-server.ts'

type Egress = ReturnType<typeof createEgress>

/**
 * An egress in a world in which 127.0.0.1 is the public internet, and everything else is as it is. It ends with the
 * test that asked for it.
 */
export function egressFor(more: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({
    enabled: true,
    clock: systemClock,
    timeoutMs: 10_000,
    maxRedirects: 3,
    allowHosts: [],
    resolve: async () => ['127.0.0.1'],
    ca: testCertificate,
    isPublic: address => address === '127.0.0.1' || isPublicAddress(address),
    ...more,
  })
  atEnd(() => egress.close())
  return egress
}

/** That it was refused by this code, in a sentence. */
export function assertRefused(result: EgressResult | EgressReply, code: string, reason: RegExp): void {
  assert.ok(!result.ok, 'it was done')
  assert.equal(result.code, code, result.reason)
  assert.match(result.reason, reason)
  assert.match(result.reason, /^[A-Za-z0-9].*\.$/, 'a sentence')
}
