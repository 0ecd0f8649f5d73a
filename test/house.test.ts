import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findViolations } from './support/house-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('the house', () => {
  it('keeps to its own rules: who imports whom, time and chance handed in, no state in modules', () => {
    const files = globSync('src/**/*.ts', { cwd: root }).map(path => ({
      path,
      text: readFileSync(`${root}${path}`, 'utf8'),
    }))
    assert.ok(files.length > 50, 'the source was found')
    assert.deepEqual(findViolations(files), [])
  })
})

describe('the check of the house', () => {
  const forbidden: Record<string, [path: string, text: string, expected: RegExp]> = {
    'a gateway that knows a format': [
      'src/gateway/relay.ts',
      `import { parse } from '#wire'`,
      /gateway may not/,
    ],
    'a domain that knows another': [
      'src/keys/admit.ts',
      `import { reserve } from '#limits'`,
      /may not import/,
    ],
    'a format that knows the platform': [
      'src/wire/sse.ts',
      `import { createLog } from '#platform'`,
      /may not/,
    ],
    'nouns that know anybody': ['src/exchange/call.ts', `import type { Clock } from '#platform'`, /may not/],
    'tools that know the product': ['src/platform/log.ts', `export * from '#exchange'`, /platform may not/],
    'a simulator that borrows our nouns': [
      'src/simulator/bill.ts',
      `import '#exchange'`,
      /simulator may not/,
    ],
    'an edge that plays the provider': ['src/edge/http.ts', `import { sim } from '#simulator'`, /may not/],
    'a type of a stranger': ['src/wire/sse.ts', `import type { Log } from '#platform'`, /:1: wire may not/],
    'a type named in place': ['src/wire/sse.ts', `let x: import('#platform').Log`, /:1: wire may not import/],
    'an import over several lines': ['src/wire/a.ts', `import {\n  a,\n  b,\n} from\n  '#keys'`, /:5: wire/],
    'an import at run time': ['src/wire/a.ts', `const a = await import('#keys')`, /wire may not import keys/],
    'an import by template': ['src/wire/a.ts', 'const a = await import(`#keys`)', /wire may not import keys/],
    'an import nobody can read': ['src/wire/a.ts', `await import(\`#\${name}\`)`, /must be written out/],
    'a search in a neighbour’s folder': [
      'src/wire/a.ts',
      `await import(\`../keys/\${name}\`)`,
      /must be written out/,
    ],
    'an import by require': ['src/wire/a.ts', `require('#keys')`, /wire may not import keys/],
    'an import inside a template': [
      'src/wire/a.ts',
      `\`\${await import('#keys')}\``,
      /wire may not import keys/,
    ],
    'a reach past the face': ['src/edge/a.ts', `import { s } from '#keys/store.ts'`, /no face of ours/],
    'a reach into a neighbour': ['src/edge/a.ts', `import { s } from '../keys/store.ts'`, /own folder/],
    'a test that reaches past the face': [
      'src/edge/a.test.ts',
      `import { s } from '../keys/store.ts'`,
      /own folder/,
    ],
    'a face of its own': ['src/keys/a.ts', `import { s } from '#keys'`, /its own face/],
    'a folder outside the table': ['src/magic/index.ts', '', /knows no folder src\/magic/],
    'a drawer': ['src/keys/utils/pad.ts', '', /"utils" says nothing/],
    'a drawer that is a file': ['src/keys/types.ts', '', /"types" says nothing/],
    'a file that is too long': ['src/keys/a.ts', 'export {}\n'.repeat(501), /501 lines/],
    'the environment': ['src/keys/a.ts', 'const home = process.env.HOME', /process\.env/],
    'the environment by brackets': ['src/keys/a.ts', `const home = process['env']`, /process\.env/],
    'the environment by import': ['src/keys/a.ts', `import { env } from 'node:process'`, /process\.env/],
    'the time of day': ['src/keys/a.ts', 'const a = 1\nconst b = Date.now()', /a\.ts:2: Date\.now/],
    'the time of day as a date': ['src/keys/a.ts', 'const a = new Date()', /new Date\(\)/],
    'the time of day, barely': ['src/keys/a.ts', 'const a = +new Date', /new Date\(\)/],
    'time in a role': ['src/roles/a.ts', 'const a = Date.now()', /Date\.now/],
    'a stopwatch': ['src/keys/a.ts', 'const a = performance.now()', /performance\.now/],
    'a timer': ['src/keys/a.ts', 'setTimeout(work, 5)', /setTimeout/],
    'a timer by its full name': ['src/keys/a.ts', 'globalThis.setTimeout(work, 5)', /setTimeout/],
    'a timer by import': ['src/keys/a.ts', `import { setTimeout } from 'node:timers/promises'`, /timers/],
    'a die': ['src/keys/a.ts', 'const a = Math.random()', /Math\.random/],
    'a variable of the module': ['src/keys/a.ts', 'export let count = 0', /"let" at top level/],
    'a table of the module': ['src/keys/a.ts', 'const a = new Map<string, () => void>()', /an empty Map/],
  }
  for (const [what, [path, text, expected]] of Object.entries(forbidden)) {
    it(`refuses ${what}`, () => {
      const said = findViolations([{ path, text }])
      assert.ok(
        said.some(line => line.startsWith(path) && expected.test(line)),
        `said: ${said.join('\n')}`,
      )
    })
  }

  const allowed: Record<string, [path: string, text: string]> = {
    'roles that know all': [
      'src/roles/all.ts',
      `import { a } from '#gateway'\nimport { b } from '#simulator'\nconst c = process.env.HOME`,
    ],
    'an edge that serves the routes of domains': [
      'src/edge/a.ts',
      `import { keyRoutes } from '#keys'\nimport { answer } from '#gateway'\nimport { parse } from '#wire'`,
    ],
    'a provider that speaks formats': ['src/providers/attempt.ts', `import { openaiChat } from '#wire'`],
    'neighbours in the same folder': [
      'src/platform/database/open.ts',
      `import { migrate } from './migrate.ts'\nimport type { Clock } from '../clock.ts'`,
    ],
    'what is found in a folder of its own': [
      'src/providers/vendors.ts',
      `await import(\`./vendors/\${file}\`)`,
    ],
    'packages and what Node brings': ['src/wire/a.ts', `import { z } from 'typebox'\nimport 'node:fs'`],
    'a test that sets up its neighbours': [
      'src/keys/a.test.ts',
      `import { keys } from '#keys'\nimport { l } from '#limits'\nimport { s } from '../../test/support/sluice.ts'\nlet n = Date.now()`,
    ],
    'imports in comments': [
      'src/wire/a.ts',
      `// import '#keys'\n/* from '#keys' setTimeout(1) */\nconst a = 1`,
    ],
    'imports in strings': [
      'src/wire/a.ts',
      `const a = "import '#keys'"\nconst b = \`from "#keys" \${a} import("#keys")\`\nconst c = /import "#keys"\`/`,
    ],
    'a slash that divides': [
      'src/wire/a.ts',
      `const a = (b) / c // '\nconst d = e / 2 / f // import '#keys'`,
    ],
    'a date of a given time': ['src/keys/a.ts', 'const a = new Date(clock.now())'],
    'a method that happens to be called so': [
      'src/keys/a.ts',
      'socket.setTimeout(0)\nconst from = a.process.env\nconst b = Array.from("#wire")',
    ],
    'state inside a function': [
      'src/keys/a.ts',
      'export function createKeys() {\n  let count = 0\n  const seen = new Map()\n}\nconst names = new Set(["a"])',
    ],
  }
  for (const [what, [path, text]] of Object.entries(allowed)) {
    it(`lets pass ${what}`, () => {
      assert.deepEqual(findViolations([{ path, text }]), [])
    })
  }
})
