import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { Fault } from '#exchange'
import { type Clock, systemClock } from '#platform'
import { awsCredential } from './credential.aws.ts'
import { checkCredentials, googleCredential } from './credential.google.ts'
import type { Credential } from './credential.ts'

const post = {
  method: 'POST',
  origin: 'https://example.amazonaws.com',
  path: '/',
  headers: {},
  body: Buffer.from(''),
}
const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
  region: 'us-east-1',
  service: 'service',
  clock: clockAt(Date.parse('2015-08-30T12:36:00Z')),
}
const authorization = (signedHeaders: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`

describe('a signature of AWS', () => {
  it('is that of AWS’s own test suite: post-vanilla, post-x-www-form-urlencoded', async () => {
    assert.deepEqual(await awsCredential(keys).authorize(post), {
      'x-amz-date': '20150830T123600Z',
      authorization: authorization(
        'host;x-amz-date',
        '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
      ),
    })
    const form = {
      ...post,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'sluice' },
      body: Buffer.from('Param1=value1'),
    }
    assert.equal(
      (await awsCredential(keys).authorize(form)).authorization,
      authorization(
        'content-type;host;x-amz-date',
        'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
      ),
    )
  })

  it('covers the path with its escapes, the query, the body and the token of a session', async () => {
    const changes = [{}, { path: '/a%3A0' }, { path: '/a:0' }, { path: '/?a=1' }, { body: Buffer.from('x') }]
    const signed = await Promise.all(
      changes.map(change => awsCredential(keys).authorize({ ...post, ...change })),
    )
    assert.equal(new Set(signed.map(headers => headers.authorization)).size, changes.length)
    const withToken = awsCredential({ ...keys, sessionToken: 'session-token' })
    const headers = await withToken.authorize(post)
    assert.equal(headers['x-amz-security-token'], 'session-token')
    assert.match(headers.authorization ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token/)
    assert.deepEqual(withToken.secrets, [keys.secretAccessKey, 'session-token'])
  })
})

const account = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The JSON of a service account, as Google gives it to download. */
const serviceAccount = JSON.stringify({
  type: 'service_account',
  project_id: 'shop',
  private_key_id: 'k1',
  private_key: account.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  client_email: 'sluice@shop.iam.gserviceaccount.com',
  client_id: '1',
  token_uri: 'https://oauth2.googleapis.com/token',
})

describe('a token of Google', () => {
  it('is had for a signed assertion, shared by who waits, and kept until it is nearly over', async t => {
    const { clock, office, credential } = await startOffice(t)
    const [one, other] = await Promise.all([credential.authorize(post), credential.authorize(post)])
    assert.deepEqual([one, other], [{ authorization: 'Bearer token-1' }, one])
    assert.equal(office.assertions.length, 1)
    assertSigned(office.assertions[0] ?? '')
    clock.advance(54 * 60_000)
    assert.deepEqual(credential.authorize(post), one, 'at once')
    assert.deepEqual(credential.secrets, ['token-1'])
  })

  it('is renewed ahead, while calls go on with the old one', async t => {
    const { clock, office, credential } = await startOffice(t)
    await credential.authorize(post)
    clock.advance(56 * 60_000)
    assert.deepEqual(credential.authorize(post), { authorization: 'Bearer token-1' })
    await office.answered(2)
    await soon(() => assert.deepEqual(credential.authorize(post), { authorization: 'Bearer token-2' }))
  })

  it('serves on when its renewal fails, and is asked for again, but not at every call', async t => {
    const { clock, office, credential } = await startOffice(t)
    await credential.authorize(post)
    clock.advance(56 * 60_000)
    office.status = 400
    for (let calls = 0; calls < 5; calls += 1) {
      assert.deepEqual(await credential.authorize(post), { authorization: 'Bearer token-1' })
      await office.answered(2)
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(office.assertions.length, 2)
    office.status = 200
    clock.advance(1_000)
    await credential.authorize(post)
    await office.answered(3)
    await soon(() => assert.deepEqual(credential.authorize(post), { authorization: 'Bearer token-3' }))
  })

  it('that is refused is a fault of the credential, which tells nothing of it', async t => {
    const { office, credential } = await startOffice(t)
    office.status = 400
    await assertFault(credential, 'provider_credential_rejected', /`google`.*operator/)
    const broken = googleCredential({
      provider: 'google',
      credentials: serviceAccount.replace('BEGIN PRIVATE', 'BEGIN BROKEN'),
      clock: systemClock,
      fetch: () => Promise.reject(new Error('nobody is asked')),
    })
    await assertFault(broken, 'provider_credential_rejected', /operator/)
    const absent = { provider: 'google', credentials: '/nowhere/key.json', clock: systemClock }
    await assertFault(googleCredential(absent), 'provider_credential_rejected', /operator/)
  })

  it('that nobody gives is a fault that passes', async t => {
    const { clock, office, credential } = await startOffice(t)
    office.status = 501
    await assertFault(credential, 'provider_unreachable', /nothing was sent/)
    clock.advance(1_000)
    office.status = 200
    assert.match((await credential.authorize(post)).authorization ?? '', /^Bearer token-/)
  })

  it('needs credentials that are some, which is said without repeating them', () => {
    assert.equal(checkCredentials('/etc/google.json'), undefined)
    assert.equal(checkCredentials(serviceAccount), undefined)
    for (const wrong of ['{"type": hunter2}', '{"key":"hunter2"}']) {
      assert.match(checkCredentials(wrong) ?? '', /^[A-Z].*\.$/)
      assert.doesNotMatch(checkCredentials(wrong) ?? '', /hunter2/)
    }
  })
})

interface Office {
  status: number
  assertions: string[]
  answered(times: number): Promise<void>
}

/** Google's token endpoint, on this machine, giving `token-1`, `token-2` …, each for an hour. */
async function startOffice(
  t: TestContext,
): Promise<{ office: Office; clock: Clock & { advance(ms: number): void }; credential: Credential }> {
  let answers = 0
  const office: Office = {
    status: 200,
    assertions: [],
    answered: times => soon(() => assert.ok(answers >= times)),
  }
  const answer = (body: string, response: ServerResponse): void => {
    office.assertions.push(new URLSearchParams(body).get('assertion') ?? '')
    const given = {
      access_token: `token-${office.assertions.length}`,
      expires_in: 3600,
      token_type: 'Bearer',
    }
    const refused = { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }
    response.writeHead(office.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(office.status === 200 ? given : refused), () => {
      answers += 1
    })
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(Buffer.concat(chunks).toString(), response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const clock = clockAt(Date.now())
  const credential = googleCredential({
    provider: 'google',
    credentials: serviceAccount,
    clock,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      assert.equal(url.origin, 'https://oauth2.googleapis.com')
      return await fetch(`http://127.0.0.1:${port}${url.pathname}`, init)
    },
  })
  return { office, clock, credential }
}

function assertSigned(assertion: string): void {
  const [header = '', claims = '', signature = ''] = assertion.split('.')
  const signed = Buffer.from(`${header}.${claims}`)
  assert.ok(verify('sha256', signed, account.publicKey, Buffer.from(signature, 'base64url')))
  const said: { scope?: string } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  assert.equal(said.scope, 'https://www.googleapis.com/auth/cloud-platform')
}

async function assertFault(credential: Credential, code: string, message: RegExp): Promise<void> {
  await assert.rejects(
    async () => await credential.authorize(post),
    (fault: unknown) => {
      assert.ok(fault instanceof Fault)
      assert.equal(fault.code, code, fault.detail.internal)
      assert.match(fault.message, message)
      assert.equal(fault.cause, undefined)
      assert.doesNotMatch(`${fault.detail.internal}`, /PRIVATE|assertion|eyJ/)
      return true
    },
  )
}

async function soon(check: () => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return check()
    } catch (cause) {
      if (tries > 200) throw cause
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
}

function clockAt(ms: number): Clock & { advance(ms: number): void } {
  let now = ms
  return {
    ...systemClock,
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}
