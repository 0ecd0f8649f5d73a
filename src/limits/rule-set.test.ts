import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { boundedName, type RuleDimension, type RuleSubject, type Target } from '#exchange'
import { dimensions, readBudgetConfig } from './config.ts'
import { fits, readGlob } from './glob.ts'
import { readBudget } from './read-rules.ts'
import { mostOf, type Rule } from './rule.ts'
import { ruleSet } from './rule-set.ts'

const call: RuleSubject = {
  organization: 'acme',
  project: 'shop',
  keyId: `key_${'0'.repeat(32)}`,
  keyName: 'web',
  user: 'u1',
  feature: 'chat',
  model: 'smart',
  class: 'interactive',
  tags: [],
  environment: 'prod',
}
const target: Target = { provider: 'openai', model: 'gpt-5' }

function ruleOf(fields: object, entryId = 'budget_1'): Rule {
  const read = readBudgetConfig({ limit: '1', ...fields })
  assert(read.ok)
  return readBudget(read.value, { origin: 'api', entryId, increasesOf: () => [] })
}

const subjectsOf = (fields: object, of = call, at?: Target): string[] =>
  ruleSet([ruleOf(fields)])
    .of(of, at)
    .map(({ subject }) => subject)

const isConcerned = (match: object, of = call): boolean => subjectsOf({ match }, of, target).length === 1

describe('a rule', () => {
  it('has one counter for each combination that it is per, always with the organization that it belongs to', () => {
    assert.deepEqual(subjectsOf({}), ['all'])
    assert.deepEqual(subjectsOf({ per: 'organization' }), ['acme'])
    assert.deepEqual(subjectsOf({ per: 'user' }), ['acme/user/u1'])
    assert.deepEqual(subjectsOf({ per: ['project', 'feature'] }), ['acme/project/shop/feature/chat'])
    assert.deepEqual(subjectsOf({ per: 'model' }), ['model/smart'])
    assert.deepEqual(subjectsOf({ per: ['organization', 'model'] }), ['acme/model/smart'])
    assert.deepEqual(subjectsOf({ per: 'target' }, call, target), ['target/openai%2Fgpt-5'])
  })

  it('counts a call once for each of its tags, and a tag that is named twice once', () => {
    const tagged = { ...call, tags: ['a', 'b', 'a'] }
    assert.deepEqual(subjectsOf({ per: 'tag' }, tagged), ['acme/tag/a', 'acme/tag/b'])
    assert.deepEqual(subjectsOf({ per: 'tag', match: { tag: 'b*' } }, tagged), ['acme/tag/b'])
    assert.deepEqual(subjectsOf({ per: 'tag' }), [])
  })

  it('does not concern a call that lacks what it is per, unless it demands the user', () => {
    const nameless = { ...call, user: undefined }
    assert.deepEqual(subjectsOf({ per: 'user' }, nameless), [])
    assert.equal(ruleSet([ruleOf({ per: 'user' })]).demandsUser(nameless), undefined)
    const demanding = ruleSet([ruleOf({ per: 'user', require: true, match: { feature: 'chat' } })])
    assert.equal(demanding.demandsUser(nameless)?.requiresUser, true)
    assert.equal(demanding.demandsUser({ ...nameless, feature: 'search' }), undefined)
    assert.equal(demanding.demandsUser(call), undefined)
  })

  it('matches by name, by list, by stars, and by all of what it asks', () => {
    assert(isConcerned({ feature: 'chat', model: ['other', 'smart'] }))
    assert(isConcerned({ key: 'web' }) && isConcerned({ key: call.keyId }) && isConcerned({ key: 'w*' }))
    assert(isConcerned({ target: 'openai/*', provider: 'openai', class: 'interactive' }))
    assert(!isConcerned({ feature: 'chat', model: 'fast' }))
    assert(!isConcerned({ user: 'u1' }, { ...call, user: undefined }))
    assert(!isConcerned({ tag: 'a' }))
  })

  it('depends on the target where it is about one, and is given only where that is known', () => {
    const rules = ruleSet([
      ruleOf({ per: 'provider' }, 'p'),
      ruleOf({}, 'all'),
      ruleOf({ match: { target: 'sim/*' } }, 's'),
    ])
    const ids = (concerns: { rule: Rule }[]): string[] => concerns.map(({ rule }) => rule.id)
    assert(rules.dependsOnTarget)
    assert.deepEqual(ids(rules.of(call)), ['all'])
    assert.deepEqual(ids(rules.of(call, target)), ['p', 'all'])
    assert.deepEqual(ids(rules.ofTarget(call, { provider: 'sim', model: 'a' })), ['p', 's'])
  })

  it('is visible to callers where its counter is of their organization alone', () => {
    const visible = (fields: object): boolean => ruleOf(fields).visible
    assert(
      visible({ per: 'user' }) &&
        visible({ per: 'organization' }) &&
        visible({ match: { organization: 'acme' } }),
    )
    for (const shared of [{}, { per: 'model' }, { per: 'provider' }, { match: { user: 'u1' } }])
      assert(!visible(shared), JSON.stringify(shared))
    assert(
      !visible({ match: { organization: ['acme', 'umbrella'] } }) &&
        !visible({ match: { organization: 'a*' } }),
    )
  })

  it('allows what was added for a time until then, to all or to one, and never less than nothing', () => {
    const rule: Rule = {
      ...ruleOf({ limit: '1' }),
      most: 100n,
      increases: [
        { id: '1', subject: undefined, amount: 10n, untilMs: 50 },
        { id: '2', subject: 'acme', amount: 5n, untilMs: 60 },
      ],
    }
    assert.deepEqual([mostOf(rule, 'acme', 49), mostOf(rule, 'umbrella', 49)], [115n, 110n])
    assert.deepEqual([mostOf(rule, 'acme', 50), mostOf(rule, 'acme', 60)], [105n, 100n])
  })
})

const name = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '%', '2', 'F', ' '),
  minLength: 1,
  maxLength: 4,
})
const someCall = fc.record({
  organization: fc.constantFrom('acme', 'umbrella'),
  project: name,
  keyId: fc.constantFrom(`key_${'0'.repeat(32)}`, 'config/web'),
  keyName: fc.constantFrom('web', 'api'),
  user: fc.option(name, { nil: undefined }),
  feature: fc.option(name, { nil: undefined }),
  model: fc.option(name, { nil: undefined }),
  class: fc.constantFrom('interactive' as const, 'batch' as const),
  tags: fc.array(name, { maxLength: 3 }),
  environment: fc.option(name, { nil: undefined }),
})
const asked = fc.oneof(
  name,
  name.map(text => `${text}*`),
  fc.constantFrom('*', 'acme', 'web', '*a*'),
)
const someMatch = fc.dictionary(
  fc.constantFrom<RuleDimension>(...dimensions),
  fc.array(asked, { minLength: 1, maxLength: 3 }),
  {
    maxKeys: 3,
  },
)

describe('a set of rules', () => {
  it('finds what looking at each rule alone finds, in the same order', () => {
    const fields = fc.record({
      match: someMatch,
      per: fc.uniqueArray(fc.constantFrom(...dimensions), { maxLength: 2 }),
    })
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 12 }), someCall, (some, of) => {
        const rules = some.map((each, i) => ruleOf(each, `budget_${i}`))
        const alone = rules.flatMap(rule => ruleSet([rule]).of(of, target))
        assert.deepEqual(ruleSet(rules).of(of, target), alone)
        const without = alone.filter(({ rule }) => !rule.dependsOnTarget)
        assert.deepEqual(ruleSet(rules).of(of), without)
        assert.deepEqual(
          ruleSet(rules).ofTarget(of, target),
          alone.filter(({ rule }) => rule.dependsOnTarget),
        )
      }),
    )
  })

  it('gives two calls one subject only where all that the rule is per is the same', () => {
    const per = fc.uniqueArray(fc.constantFrom('project', 'user', 'feature', 'model', 'environment'), {
      minLength: 1,
    })
    fc.assert(
      fc.property(per, someCall, someCall, (dimensionsOf, a, b) => {
        const [one, other] = [a, b].map(of => subjectsOf({ per: dimensionsOf }, of)[0])
        if (one === undefined || other === undefined) return
        const read = (of: typeof a): unknown[] => dimensionsOf.map(dimension => of[dimension as 'project'])
        const isOwned = dimensionsOf.some(dimension => dimension !== 'model')
        const isSame = JSON.stringify(read(a)) === JSON.stringify(read(b))
        assert.equal(one === other, isSame && (!isOwned || a.organization === b.organization))
      }),
    )
  })
})

describe('a pattern', () => {
  it('fits what the same expression fits', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 6 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 5 })
    fc.assert(
      fc.property(pattern, text, (glob, value) => {
        const expression = new RegExp(`^${glob.replaceAll('*', '.*')}$`)
        assert.equal(fits(readGlob(glob), value), expression.test(value))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a name from outside', () => {
  it('stays as it is where it is short and plain', () => {
    for (const plain of ['u1', 'Zoë', '用户', 'a/b %', '😀', 'x'.repeat(256)])
      assert.equal(boundedName(plain), plain)
  })

  it('is bounded and printable whatever it is, and no two come out the same', () => {
    const odd = fc.string({
      unit: fc.constantFrom('a', '\u0000', '\n', '\ud800', '\udfff', '\ufffd', '😀'),
      maxLength: 6,
    })
    const long = fc.tuple(odd, fc.integer({ min: 0, max: 3 })).map(([text, n]) => text + 'x'.repeat(255 + n))
    fc.assert(
      fc.property(fc.oneof(odd, long), fc.oneof(odd, long), (a, b) => {
        const [one, other] = [boundedName(a), boundedName(b)]
        assert(one.length <= 256 && one.isWellFormed() && !/\p{Cc}/u.test(one))
        assert.equal(one === other, a === b)
      }),
      { numRuns: 2_000 },
    )
    assert.notEqual(boundedName(boundedName('a\n')), boundedName('a\n'))
    assert(boundedName('x'.repeat(10_240)).length <= 256)
  })
})
