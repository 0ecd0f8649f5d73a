import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askRaw, asks } from './raw.ts'
import { setStage, until } from './stage.ts'

const dialects = Object.keys(asks)

/** Ids and times differ from answer to answer. */
const faceless = (body: string): string =>
  body
    .replace(/"(id|item_id|responseId|created|created_at|completed_at)":("[^"]*"|\d+)/g, '"$1":0')
    .replace(/\r\n/g, '\n')

for (const dialect of dialects) {
  test(`${dialect}: splits its bytes anywhere, letters and ends of lines included, and loses none`, async t => {
    const stage = await setStage(t)
    const plain = await askRaw(stage, dialect, 'wide&tokens=6')
    assert.match(plain.body, /[äẻ𝒐]/u)
    for (const split of [1, 7]) {
      const { body, chunks } = await askRaw(stage, dialect, `wide&tokens=6&split=${split}`)
      assert.equal(faceless(body), faceless(plain.body))
      assert.ok(chunks.every(chunk => chunk.length <= split))
      const torn = chunks.some(chunk => chunk.length > 0 && (chunk[0]! & 0xc0) === 0x80)
      assert.ok(split > 1 || torn, 'letters are torn')
    }
  })

  test(`${dialect}: ends its lines in every way`, async t => {
    const stage = await setStage(t)
    const lf = await askRaw(stage, dialect, 'tokens=3&eol=lf')
    assert.ok(!lf.body.includes('\r'))
    const crlf = await askRaw(stage, dialect, 'tokens=3&eol=crlf')
    assert.equal(crlf.body.replaceAll('\r\n', '').match(/[\r\n]/), null)
    const cr = await askRaw(stage, dialect, 'tokens=3&eol=cr')
    assert.ok(!cr.body.includes('\n'))
    assert.equal(faceless(cr.body.replaceAll('\r', '\n')), faceless(lf.body))
  })

  test(`${dialect}: begins with a byte order mark, once`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'tokens=3&bom&split=5')
    assert.equal(body.lastIndexOf('\uFEFF'), 0)
  })

  test(`${dialect}: has a line of a megabyte, which costs one token`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'tokens=5&long=1m')
    assert.ok(body.split('\n').some(line => line.length > 1024 ** 2))
    assert.equal(stage.bill.totals().output_tokens, 5)
  })

  test(`${dialect}: sends events that nobody knows, among those that it sends anyway`, async t => {
    const stage = await setStage(t)
    const plain = await askRaw(stage, dialect, 'tokens=3')
    const { body } = await askRaw(stage, dialect, 'tokens=3&unknown')
    const events = body.split(/\r?\n\r?\n/)
    const unknown = events.filter(event => /sim.?unknown/i.test(event))
    assert.equal(unknown.length, 2)
    const rest = events.filter(event => !unknown.includes(event)).join('\n\n')
    assert.equal(faceless(rest), faceless(plain.body))
  })
}

test('drips byte by byte, errors too, and bills a token when its writing begins', async t => {
  const stage = await setStage(t)
  const { clock, bill } = stage
  const reading = askRaw(stage, 'chat', 'tokens=3&drip=1s')
  const produced = new Set<number>()
  while (bill.totals().ended === 0) {
    await until(() => clock.waiting() || bill.totals().ended > 0)
    produced.add(bill.totals().output_tokens)
    clock.advance(1000)
  }
  assert.deepEqual([...produced], [0, 1, 2, 3])
  const { chunks, body } = await reading
  assert.equal(chunks.length, Buffer.byteLength(body))
  const [line] = bill.lines()
  assert.equal(line!.ended_at! - line!.at, (chunks.length - 1) * 1000)

  const failing = askRaw(stage, 'chat', 'fail=503&drip=10ms')
  while (bill.totals().refused === 0) {
    await until(() => clock.waiting() || bill.totals().refused > 0)
    clock.advance(10)
  }
  const error = await failing
  assert.equal(JSON.parse(error.body).error.code, 'server_is_overloaded')
  assert.doesNotMatch(error.head, /content-length/i)
})

test('sends statuses before its own, and trailers after its body, streamed or not', async t => {
  const stage = await setStage(t)
  for (const stream of [true, false]) {
    const answer = await askRaw(stage, 'chat', 'tokens=1&interim=100,102,103&trailers', {
      stream,
      stream_options: undefined,
    })
    const statuses = [...answer.bytes.toString('latin1').matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(
      ([, status]) => status,
    )
    assert.deepEqual(statuses, ['100', '102', '103', '200'])
    assert.match(answer.head, /^trailer: x-sim-trailer$/im)
    assert.equal(answer.trailers, 'x-sim-trailer: the end')
  }
})
