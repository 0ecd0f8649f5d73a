import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { openDatabase } from '#platform'
import { temporaryFolder } from './support/cleanup.ts'
import { fillDataFolder } from './support/data-template.ts'
import { runSluice, type Sluice, startSluice } from './support/sluice.ts'

const simOnly = 'providers: { sim: {} }\n'

async function fileOf(text: string): Promise<string> {
  const file = join(await temporaryFolder(), 'sluice.yaml')
  await writeFile(file, text)
  return file
}

/** What `sluice serve` says instead of starting: on standard error, with exit code 1, and nothing of its insides. */
async function whyItDoesNotStart(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const ended = await runSluice(['serve', '--port', '0', ...args], env)
  assert.equal(ended.code, 1, ended.stderr)
  assert.equal(ended.stdout, '', 'it never said that it is ready')
  assert.doesNotMatch(ended.stderr, /^\s+at |node:internal/m, 'no stack')
  return ended.stderr
}

suite('check-config', () => {
  test('says that a good file is fine, and nothing else', async () => {
    const file = await fileOf(
      'providers: { openai: { api_key: ${A_KEY} } }\nmodels: { a: { targets: [openai/x] } }',
    )
    const { code, stdout, stderr } = await runSluice(['check-config', file], { A_KEY: 'sk-1' })
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${file} is fine.\n`, stderr: '' })
  })

  test('shows every mistake with its place and its line, and exits with 1', async () => {
    const file = await fileOf(`providers:\n  sim: { conections: 3 }\nmodels:\n  a: { targets: [simm/x] }\n`)
    const { code, stderr } = await runSluice(['check-config', file])
    assert.equal(code, 1)
    assert.match(stderr, /^2 problems in the configuration:/)
    assert.ok(stderr.includes(`${file}:2:10  providers.sim.conections: There is no such setting.`), stderr)
    assert.ok(stderr.includes('Did you mean `connections`?'), stderr)
    assert.ok(stderr.includes(`${file}:4:18  models.a.targets[0]: There is no provider \`simm\`.`), stderr)
    assert.match(stderr, /^ {4}4 \| {3}a: \{ targets: \[simm\/x\] \}$/m)
  })

  test('says why a file cannot be read', async () => {
    const folder = await temporaryFolder()
    const missing = await runSluice(['check-config', join(folder, 'none.yaml')])
    const isFolder = await runSluice(['check-config', folder])
    assert.deepEqual([missing.code, isFolder.code], [1, 1])
    assert.match(missing.stderr, /cannot be read: there is no such file\.\n$/)
    assert.match(isFolder.stderr, /cannot be read: it is a folder\.\n$/)
  })

  test('takes one file and no options', async () => {
    const none = await runSluice(['check-config'])
    const strange = await runSluice(['check-config', '--verbose', 'sluice.yaml'])
    assert.deepEqual([none.code, strange.code], [1, 2])
    assert.match(none.stderr, /^Name one file/)
  })
})

suite('sluice serve does not start, and says why', () => {
  test('when the configuration is broken', async () => {
    const said = await whyItDoesNotStart([
      '--config',
      await fileOf('providers: { sim: {} }\nlog_level: loud\n'),
    ])
    assert.match(said, /:2:12 {2}log_level: This must be one of debug, info, warn, error, silent\./)
  })

  test('when something is configured that this version would not do', async () => {
    const file = await fileOf(`${simOnly}cache:\n  exact: { ttl: 1h }\n`)
    assert.match(await whyItDoesNotStart(['--config', file]), /cache: Caches are not in this version yet\./)
  })

  test('when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const address = server.address()
    assert(address && typeof address === 'object')
    const data = join(await temporaryFolder(), 'data')
    await fillDataFolder(data)
    const said = await whyItDoesNotStart(['--port', String(address.port), '--data', data])
    server.close()
    const sentence = `Port ${address.port} is in use by another program. Stop that one, or choose another with --port.`
    assert.equal(said.trimEnd().split('\n').at(-1), sentence)
  })

  test('when the data folder is a file', async () => {
    const said = await whyItDoesNotStart(['--data', await fileOf('')])
    assert.match(
      said,
      /^The data folder .* cannot be made or written to \(\w+\)\. Choose another with --data/,
    )
  })

  test('when the data folder cannot be written to', {
    skip: process.getuid?.() === 0 && 'root may write anywhere',
  }, async () => {
    const folder = join(await temporaryFolder(), 'data')
    await mkdir(folder)
    await chmod(folder, 0o500)
    assert.match(await whyItDoesNotStart(['--data', folder]), /cannot be made or written to \(EACCES\)/)
  })

  suite('on a data folder', () => {
    let sluice: Sluice

    before(async () => {
      sluice = await startSluice({ config: simOnly })
    })

    test('that is in use by another process, which goes on', async () => {
      const said = await whyItDoesNotStart(['--data', sluice.dataDir])
      assert.match(said, /^The data folder .* is in use by another Sluice\. .*\n$/)
      assert.equal((await fetch(`${sluice.url}/readyz`)).status, 200)
    })

    test('whose database was made by a newer version', async () => {
      await sluice.stop()
      await addFutureMigration(sluice.dataDir)
      const said = await whyItDoesNotStart(['--config', sluice.configFile, '--data', sluice.dataDir])
      assert.match(said, /^The database was made by a newer Sluice \(it has keys\/999-from-the-future, .*\n$/)
    })
  })
})

async function addFutureMigration(dataDir: string): Promise<void> {
  const database = await openDatabase({ dataDir, statementTimeoutMs: 10_000, connections: 1 })
  await database.query({
    text: `insert into sluice_migrations (domain, number, name) values ('keys', 999, '999-from-the-future')`,
  })
  await database.close()
}
