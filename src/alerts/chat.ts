import type { EgressPost } from '#platform'
import type { Delivery, Told } from './destination.ts'
import { factsOf } from './facts.ts'
import { readReply } from './webhook.ts'

/**
 * Sends an alert to an incoming webhook of Slack (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/)
 * or of what takes the same, such as Mattermost, or Discord with `/slack` behind its address. These may not read
 * blocks, so the text has it all by itself.
 */
export async function sendChat(
  { url, egress, nowMs }: { url: string; egress: EgressPost; nowMs(): number },
  alert: Told,
): Promise<Delivery> {
  const body = Buffer.from(JSON.stringify(renderChat(alert)))
  return readReply(await egress.post(url, { headers: { 'content-type': 'application/json' }, body }), nowMs())
}

const longestHeader = 150 // of Slack's header block
const longestSection = 3_000

export function renderChat(alert: Told): object {
  const facts = factsOf(alert).map(([name, value]) => `*${quote(name)}:* ${quote(value)}`)
  const head = `${alert.severity.toUpperCase()}: ${alert.title}`
  const section = cut(facts.join('\n'), longestSection)
  return {
    text: `${quote(head)}\n${section}`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(head, longestHeader), emoji: false } },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: cut(`${quote(alert.title)}\n${section}`, longestSection) },
      },
    ],
  }
}

/**
 * Names of callers stand in it: nothing of them is a link, a mention or a format. Slack reads `&`, `<` and `>`;
 * others read a name behind an `@` wherever it stands, so that gets a space of no width behind it.
 */
function quote(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u200b')
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1).toWellFormed()}…` : text
}
