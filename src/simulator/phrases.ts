/** What the simulated model has to say. `{topic}` is replaced by words of the user's last message. */
export type Phrases = readonly [string, ...string[]]

export const openers: Phrases = [
  'Happy to think about {topic} with you.',
  'Thank you for bringing up {topic}.',
  'You asked about {topic}, so let us start there.',
  'There is more than one way to look at {topic}.',
  'Let us take {topic} one step at a time.',
  'Good question: {topic} deserves a careful answer.',
]

export const greetings: Phrases = [
  'Hello! It is nice to hear from you.',
  'Good day! I am ready when you are.',
  'Hello there! Ask me anything you like.',
]

export const afterTools: Phrases = [
  'The tool has answered, and I have read its result.',
  'With the result of the tool at hand, we can go on.',
]

export const thoughts: Phrases = [
  'First, write down what you already know about {topic} and what you only assume.',
  'A small example usually says more about {topic} than a long definition.',
  'It helps to ask who will use the result, and what they will do with it next.',
  'If two answers seem equally good, take the one that is easier to undo.',
  'Most surprises around {topic} come from its edges, so look there early.',
  'Measure once before you change anything, and once more afterwards.',
  'When in doubt, begin with the simplest version of {topic} that could work.',
  'A short list is often enough: the goal, the limits, and the next step.',
  'People who have worked with {topic} for years still keep notes about it.',
  'Try to explain it to a friend in three sentences; the gaps will show.',
  'What costs the most in the end is rarely what looked expensive at first.',
  'One good habit is to decide in advance how you will know that it worked.',
  'You can leave the rest for later, as long as you write down that you did.',
  'It is worth looking at how others have approached {topic}, and where they stopped.',
  'A picture with two boxes and an arrow can settle many discussions.',
  'If it has to be fast, find out first which part of it is slow.',
  'There is no harm in starting over when the first attempt has taught you enough.',
  'Keep the parts of {topic} that belong together close to each other.',
  'Ask what happens when it fails; the answer shapes everything else.',
  'Then give it a quiet day, and read it again with fresh eyes.',
]

export const admissions: Phrases = [
  'I should say plainly that I am a simulated model: these sentences come from a seed, not from knowledge.',
  'Please remember that no real model was asked; this is the simulator speaking.',
  'As a simulated model I know nothing about {topic}, but I can keep you pleasant company while you test.',
]

export const closers: Phrases = [
  'Would you like to go a little deeper?',
  'Tell me which part matters most to you, and we will continue there.',
  'That is a fair place to begin.',
  'I hope this is a useful start.',
]

export const refusals: Phrases = [
  "I'm sorry, but I can't help with that.",
  "I can't assist with that request.",
  'That is something I have to decline.',
]

/** Words too common to be what a message is about. */
export const commonWords: ReadonlySet<string> = new Set(
  (
    'about after again all also and any are because been before being but can could did does doing for from get ' +
    'give good had has have hello hey how into its just know let like make may might more most much must need not ' +
    'now one only other our out over please say shall should some such tell than thank thanks that the their them ' +
    'then there these they this those through too use very want was way were what when where which while who why ' +
    'will with would write you your yours explain describe help show find summarize translate create list compare ' +
    'suggest advise sentence sentences word words answer question today here once'
  ).split(' '),
)
