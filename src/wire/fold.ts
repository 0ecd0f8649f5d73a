import type { AnswerPart, Bill, ChatAnswer, ChatEvent, Choice, Finish, TokenLogprob, Usage } from '#exchange'

interface Growing {
  parts: AnswerPart[]
  open: AnswerPart | undefined
  finish: Finish
  logprobs: TokenLogprob[]
}

/** The whole answer that a stream tells piece by piece. */
export function foldEvents(events: Iterable<ChatEvent>): ChatAnswer {
  const choices: Growing[] = []
  const head: { id?: string; model?: string; serviceTier?: string } = {}
  let usage: Usage | undefined
  let bill: Bill | undefined
  for (const event of events) {
    if (event.type === 'start') {
      const { type: _type, usage: first, bill: firstBill, ...rest } = event
      Object.assign(head, rest)
      usage = first ?? usage
      bill = firstBill ?? bill
    } else if (event.type === 'usage') {
      usage = event.usage
      bill = event.bill ?? bill
    } else if (event.type === 'end') {
      if (event.serviceTier !== undefined) head.serviceTier = event.serviceTier
    } else if ('choice' in event) grow(choiceAt(choices, event.choice), event)
  }
  return { ...head, choices: choices.map(finishChoice), ...(usage && { usage }), ...(bill && { bill }) }
}

function choiceAt(choices: Growing[], index: number): Growing {
  while (choices.length <= index)
    choices.push({ parts: [], open: undefined, finish: { reason: 'stop' }, logprobs: [] })
  return choices[index] as Growing
}

function grow(choice: Growing, event: Extract<ChatEvent, { choice: number }>): void {
  const { open } = choice
  switch (event.type) {
    case 'part-start':
      choice.open = begin(event.part)
      choice.parts.push(choice.open)
      return
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      if (event.type === 'text-delta' && event.logprobs) choice.logprobs.push(...event.logprobs)
      if (open && 'text' in open) open.text += event.text
      return
    case 'arguments-delta':
      if (open?.type === 'tool-call') open.arguments += event.text
      return
    case 'citation':
      if (open?.type === 'text') open.citations = [...(open.citations ?? []), event.citation]
      return
    case 'signature':
      if (open && open.type !== 'opaque') Object.assign(open, { signature: event.signature })
      return
    case 'part-end':
      choice.open = undefined
      return
    case 'finish':
      choice.finish = event.finish
      return
    default:
      return
  }
}

function begin(part: Extract<ChatEvent, { type: 'part-start' }>['part']): AnswerPart {
  if (part.type === 'whole') return { ...part.part }
  if (part.type === 'tool-call') return { ...part, arguments: '' }
  return { type: part.type, text: '' }
}

function finishChoice({ parts, finish, logprobs }: Growing): Choice {
  return { parts, finish, ...(logprobs.length > 0 && { logprobs }) }
}

/** The steps in which a whole answer would have been streamed, each part in one piece. */
export function* unfoldAnswer(answer: ChatAnswer): Generator<ChatEvent> {
  const { choices, usage, bill, ...head } = answer
  yield { type: 'start', ...head }
  for (const [choice, { parts, finish, logprobs }] of choices.entries()) {
    let unsaid = logprobs
    for (const part of parts) {
      yield* unfoldPart(choice, part, part.type === 'text' ? unsaid : undefined)
      if (part.type === 'text') unsaid = undefined
    }
    yield { type: 'finish', choice, finish }
  }
  if (usage) yield { type: 'usage', usage, ...(bill && { bill }) }
  yield { type: 'end' }
}

function* unfoldPart(
  choice: number,
  part: AnswerPart,
  logprobs: readonly TokenLogprob[] | undefined,
): Generator<ChatEvent> {
  if (part.type === 'tool-call') {
    const { id, name, custom } = part
    yield {
      type: 'part-start',
      choice,
      part: { type: 'tool-call', id, name, ...(custom !== undefined && { custom }) },
    }
    if (part.arguments !== '') yield { type: 'arguments-delta', choice, text: part.arguments }
  } else if ('text' in part) {
    yield { type: 'part-start', choice, part: { type: part.type } }
    if (part.text !== '')
      yield { type: `${part.type}-delta`, choice, text: part.text, ...(logprobs && { logprobs }) }
    for (const citation of (part.type === 'text' && part.citations) || [])
      yield { type: 'citation', choice, citation }
  } else {
    yield { type: 'part-start', choice, part: { type: 'whole', part } }
  }
  if ('signature' in part && part.signature) yield { type: 'signature', choice, signature: part.signature }
  yield { type: 'part-end', choice }
}
