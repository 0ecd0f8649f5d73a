import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { atEnd } from '../../test/support/cleanup.ts'
import { testCertificate } from '../../test/support/tls-server.ts'

export interface Mail {
  from: string
  to: string[]
  /** As it came, with its headers. */
  text: string
  wasSecure: boolean
}

export interface SmtpServer {
  port: number
  mails: Mail[]
  /** All commands of all conversations. */
  commands: string[]
}

interface Ways {
  /** It offers STARTTLS, by default. */
  offersTls?: boolean
  /** `user\0password` that it takes; absent: it asks for none. */
  login?: string
  /** What it says instead of its usual answer, by the beginning of a command; undefined: nothing at all. */
  says?: Readonly<Record<string, string | undefined>>
}

const secureContext = createSecureContext({
  key: readFileSync(new URL('../../test/support/self-signed.key.pem', import.meta.url)),
  cert: testCertificate,
})

/** A mail server on 127.0.0.1 as far as a client that delivers meets one (RFC 5321, 3207, 4954). */
export async function startSmtpServer(ways: Ways = {}): Promise<SmtpServer> {
  const sockets = new Set<Socket>()
  const [mails, commands]: [Mail[], string[]] = [[], []]
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    new Conversation({ ways, mails, commands }).begin(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  atEnd(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, mails, commands }
}

class Conversation {
  readonly #server: { ways: Ways; mails: Mail[]; commands: string[] }
  #socket: Socket | undefined
  #isSecure = false
  #isData = false
  #text = ''
  #from = ''
  #to: string[] = []

  constructor(server: { ways: Ways; mails: Mail[]; commands: string[] }) {
    this.#server = server
  }

  begin(socket: Socket): void {
    this.#listen(socket)
    this.#say('220 mail.test ESMTP')
  }

  #listen(socket: Socket): void {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      if (socket === this.#socket) this.#hear(bytes.toString())
    })
  }

  #say(line: string): void {
    this.#socket?.write(`${line}\r\n`)
  }

  #hear(text: string): void {
    this.#text += text
    for (;;) {
      const end = this.#isData ? '\r\n.\r\n' : '\r\n'
      const at = this.#text.indexOf(end)
      if (at < 0) return
      const said = this.#text.slice(0, at)
      this.#text = this.#text.slice(at + end.length)
      if (this.#isData) this.#take(said)
      else this.#answer(said)
    }
  }

  #take(text: string): void {
    this.#isData = false
    this.#server.mails.push({ from: this.#from, to: this.#to, text, wasSecure: this.#isSecure })
    this.#say('250 taken')
  }

  #answer(command: string): void {
    const { ways, commands } = this.#server
    commands.push(command)
    const [verb = ''] = command.toUpperCase().split(' ')
    const { says = {} } = ways
    if (Object.hasOwn(says, verb)) {
      const words = says[verb]
      if (words !== undefined) this.#say(words)
      return
    }
    const address = /<([^>]*)>/.exec(command)?.[1] ?? ''
    if (verb === 'EHLO') return this.#greet()
    if (verb === 'STARTTLS') return this.#secure()
    if (verb === 'AUTH') return this.#logIn(command)
    if (verb === 'MAIL') [this.#from, this.#to] = [address, []]
    if (verb === 'RCPT') this.#to.push(address)
    if (verb === 'DATA') {
      this.#isData = true
      return this.#say('354 go on')
    }
    this.#say(verb === 'QUIT' ? '221 bye' : '250 fine')
    if (verb === 'QUIT') this.#socket?.end()
  }

  #greet(): void {
    const { offersTls = true, login } = this.#server.ways
    const extensions = [
      ...(offersTls && !this.#isSecure ? ['STARTTLS'] : []),
      ...(login === undefined ? [] : ['AUTH PLAIN']),
    ]
    const lines = ['mail.test', ...extensions]
    for (const [n, line] of lines.entries()) this.#say(`250${n === lines.length - 1 ? ' ' : '-'}${line}`)
  }

  #secure(): void {
    const plain = this.#socket
    if (!plain || this.#server.ways.offersTls === false) return this.#say('502 not here')
    this.#say('220 go on')
    plain.removeAllListeners('data')
    const secure = new TLSSocket(plain, { isServer: true, secureContext })
    secure.on('error', () => {})
    this.#isSecure = true
    this.#listen(secure)
  }

  #logIn(command: string): void {
    const given = Buffer.from(command.split(' ')[2] ?? '', 'base64').toString()
    this.#say(given === `\0${this.#server.ways.login}` ? '235 welcome' : '535 5.7.8 no such user')
  }
}
