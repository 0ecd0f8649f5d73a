/**
 * Whether a stream outlives its provider's silence behind nginx: `node bench/nginx-silence.ts --silence 40 --timeout 10`
 * starts Sluice as it is configured by default, nginx before it with that `proxy_read_timeout`, and asks the simulator
 * for streams that say nothing for so long before their first content, and again in the middle. Needs nginx
 * (`apt-get install nginx-light`, or `--nginx PATH`). Prints one JSON object.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort, startChild } from './child.ts'

const { values } = parseArgs({
  options: {
    silence: { type: 'string', default: '40' },
    timeout: { type: 'string', default: '10' },
    streams: { type: 'string', default: '4' },
    nginx: { type: 'string', default: '/usr/sbin/nginx' },
  },
})
interface Ask {
  path: string
  header: Record<string, string>
  end: string
}

const key = 'sk-bench-0123456789'
const asks: Readonly<Record<string, Ask>> = {
  openai: { path: '/v1/chat/completions', header: { authorization: `Bearer ${key}` }, end: 'data: [DONE]' },
  anthropic: { path: '/v1/messages', header: { 'x-api-key': key }, end: 'message_stop' },
}

const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'))
const [gatewayPort, proxyPort] = [await freePort(), await freePort()]
const script = `ttft=${values.silence}s&tokens=12&fail=stall&after=4&for=${values.silence}s`
writeFileSync(
  join(folder, 'sluice.yaml'),
  `providers: { sim: {} }
models: { quiet: { targets: ["sim/sim-1?${script}"], timeouts: { first_token: 10m, idle: 10m, total: 30m } } }
keys: [{ name: bench, key: ${key}, organization: bench }]
`,
)
writeFileSync(
  join(folder, 'nginx.conf'),
  `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log info;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${proxyPort};
    location / { proxy_pass http://127.0.0.1:${gatewayPort}; proxy_http_version 1.1; proxy_read_timeout ${values.timeout}s; }
  }
}
`,
)

const sluice = startChild(
  {
    command: process.execPath,
    args: [
      'src/roles/sluice.ts',
      'serve',
      '--port',
      String(gatewayPort),
      '--data',
      join(folder, 'data'),
      '--config',
      join(folder, 'sluice.yaml'),
    ],
    env: {},
  },
  join(folder, 'sluice.log'),
)
const nginx = startChild(
  { command: values.nginx, args: ['-c', join(folder, 'nginx.conf')], env: {} },
  join(folder, 'start.log'),
)

try {
  await ready()
  const all = Object.entries(asks).flatMap(([dialect, ask]) =>
    Array.from({ length: Number(values.streams) / 2 }, () => stream(dialect, ask)),
  )
  console.log(
    JSON.stringify({
      silenceSeconds: Number(values.silence),
      readTimeoutSeconds: Number(values.timeout),
      streams: await Promise.all(all),
    }),
  )
} finally {
  await nginx.stop()
  await sluice.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function ready(): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const end = sluice.ended() ?? nginx.ended()
    if (end !== undefined) throw new Error(end)
    const answer = await fetch(`http://127.0.0.1:${proxyPort}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await pause(50)
  }
  throw new Error('Sluice or nginx did not become ready')
}

async function stream(dialect: string, { path, header, end }: Ask): Promise<object> {
  const startedAtMs = performance.now()
  let [text, longestMs, lastMs] = ['', 0, startedAtMs]
  try {
    const answer = await fetch(`http://127.0.0.1:${proxyPort}${path}`, {
      method: 'POST',
      headers: { ...header, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'quiet',
        stream: true,
        max_tokens: 99,
        messages: [{ role: 'user', content: 'Hello!' }],
      }),
    })
    for await (const chunk of answer.body ?? []) {
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
      text += Buffer.from(chunk).toString()
    }
  } catch (cause) {
    text += String(cause)
  }
  return {
    dialect,
    whole: text.includes(end),
    seconds: Math.round(performance.now() - startedAtMs) / 1000,
    longestSilenceSeconds: Math.round(longestMs) / 1000,
    beats: text.match(/^(: ping|event: ping)$/gm)?.length ?? 0,
    ...(!text.includes(end) && { said: text.slice(-300) }),
  }
}
