import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runToEnd } from './child.ts'

/** The next one, 1.107.0, was reported to be compromised and is gone from the index. */
export const litellmVersion = '1.106.2'

const cache = fileURLToPath(new URL('./.cache/litellm/', import.meta.url))
export const litellmProxyFolder = join(cache, litellmVersion)
const folders = { proxy: litellmProxyFolder, library: join(cache, `${litellmVersion}-library`) }

// It does not read an answer of the Responses API without the packages of its extra `mcp`, which the proxy has too.
const extras = { proxy: 'proxy', library: 'mcp' }

// A distribution builds its Python with profile-guided optimisation; one that had been compiled on the spot without
// it took 1.4 times as long for a plain loop where this was written, and that is not what is to be measured.
const pythons = ['/usr/bin/python3', 'python3']

/**
 * The folder of a virtual environment with LiteLLM, made when it is asked for first. The proxy's has the library too, so
 * whoever wants the library alone may get that one. Throws what the machine lacks.
 */
export async function litellmEnvironment(
  part: keyof typeof folders,
  say: (line: string) => void,
): Promise<string> {
  if (existsSync(join(folders.proxy, 'bin/litellm'))) return folders.proxy
  const folder = folders[part]
  if (!existsSync(join(folder, 'bin/litellm'))) {
    say(`installing LiteLLM ${litellmVersion} (${part === 'proxy' ? 750 : 350} MB, about a minute, once)`)
    await install(folder, `litellm[${extras[part]}]==${litellmVersion}`)
  }
  return folder
}

async function install(folder: string, requirement: string): Promise<void> {
  const complaints: string[] = []
  for (const python of pythons) {
    rmSync(folder, { recursive: true, force: true })
    try {
      await runToEnd(python, ['-m', 'venv', folder])
      await runToEnd(join(folder, 'bin/pip'), ['install', '--quiet', requirement])
      return
    } catch (cause) {
      complaints.push(cause instanceof Error ? cause.message : String(cause))
    }
  }
  rmSync(folder, { recursive: true, force: true })
  throw new Error(complaints.join('; '))
}
