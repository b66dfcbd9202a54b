/** Grimsel is told of files and users, and asked what has become of them. */
import { backoff } from '../../core/backoff.js'
import type { Answer, CoreEvent } from './events.js'
import { defer, enter, failed, inHand, put, settle } from './files.js'
import { say } from './messages.js'
import { lost } from './offers.js'
import { takeWhile } from './queue.js'
import type { FileRecord, Here, Turn } from './record.js'
import type { File, State } from './state.js'
import { firstUntold } from './turns.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Milliseconds: between two questions about a file that is being copied; about one that needs somebody's help. */
const FIRST_QUESTION = 50
const LONGEST_QUESTION = 2000
const TROUBLE = 30_000
/** Milliseconds until a Grimsel that can't be reached is tried again. */
const FIRST_CALL = 200
const LONGEST_CALL = 5000
/** Milliseconds for which files of the turns before are waited for; what is slower is announced late. */
const GRACE = 20_000

export function announced(state: State, { seqs, refused }: Event<'announced'>): void {
  reached(state)
  state.link.announcing = false
  for (const seq of seqs) {
    const file = inHand(state, seq, 'announce')
    if (file === undefined) continue
    const { here, also: _, ...rest } = file.record
    if (here === undefined || here.path !== file.announcing) {
      // Only older contents were owed; or it has another name by now, under which it is announced next.
      put(state, file, here === undefined ? rest : { ...rest, here })
      settle(state, file)
      continue
    }
    const record: FileRecord & { here: Here } = { ...rest, here, announced: true }
    put(state, file, record)
    state.out.notices.push({ type: 'announced', record, at: state.now })
    if (isLate(state, file)) {
      const text = 'an earlier user’s file: he was waited for, and his turn had ended when it came'
      tell(state, file, 'LATE', 'warning', text)
    }
    settle(state, file)
  }
  for (const { seq, failure } of refused) {
    const file = inHand(state, seq, 'announce')
    if (file === undefined) continue
    tell(state, file, 'NOT_CONFIRMED', 'error', `Grimsel doesn't take it: ${failure.text}`, failure.code)
    failed(state, file, failure)
  }
}

const isLate = (state: State, { record }: File): boolean =>
  state.config.grimsel === 'answers' && state.turns.some(({ number, told }) => told && number > record.turn)

/** Grimsel knows of a turn: its files may follow. */
export function userTold(state: State, { turn: number }: Event<'userTold'>): void {
  reached(state)
  state.link.telling = false
  state.turns = state.turns.map((turn) => (turn.number <= number ? { ...turn, told: true } : turn))
  state.out.turns = true
  for (const file of takeWhile(state.held, state.files.size, () => true)) enter(state, file, 'announce')
}

/** The turn of which Grimsel is to be told now, if there is one: behind the files of those before it. */
export function nextToTell(state: State): Turn | undefined {
  const next = firstUntold(state)
  if (next === undefined || state.now >= tellBy(state, next)) return next
  if (next.since > state.settled) return undefined
  for (const [turn, files] of state.owing) if (turn < next.number && files > 0) return undefined
  return next
}

/** When {@link nextToTell} won't wait any more. */
export function nextGrace(state: State): number {
  const next = firstUntold(state)
  const by = next === undefined ? Number.POSITIVE_INFINITY : tellBy(state, next)
  return by > state.now ? by : Number.POSITIVE_INFINITY
}

const tellBy = (state: State, { since }: Turn): number => Math.max(since, state.started) + GRACE

export function answered(state: State, { answers }: Event<'answered'>): void {
  reached(state)
  state.link.asking = false
  for (const { seq, answer, present, text } of answers) {
    const file = inHand(state, seq, 'confirm')
    if (file !== undefined) confirm(state, file, answer, present, text)
  }
}

function confirm(state: State, file: File, answer: Answer, present: boolean, text = ''): void {
  const { attempts, record } = file
  if (answer === 'durable') {
    const { confirm: tier } = state.config
    if (tier !== 'buffer') put(state, file, { ...record, safe: tier })
    settle(state, file)
  } else if (!record.announced) {
    // It got another name meanwhile.
    settle(state, file)
  } else if (answer === 'pending') {
    file.attempts += 1
    enter(state, file, 'confirm', state.now + backoff(attempts + 1, FIRST_QUESTION, LONGEST_QUESTION, record.seq))
  } else if (!present && (answer === 'unknown' || answer === 'failed')) {
    receiveAgain(state, file)
  } else if (answer === 'unknown') {
    const { announced: _, ...unannounced } = record
    put(state, file, unannounced)
    settle(state, file)
  } else {
    const trouble = troubles[answer]
    const why = text === '' ? trouble : `${trouble}: ${text}`
    tell(state, file, 'NOT_CONFIRMED', 'error', `${why}; it stays at the source`, answer)
    failed(state, file, { code: 'ERR_SUSTEN_UNCONFIRMED', errno: 0, syscall: 'confirm', text: why }, TROUBLE, TROUBLE)
  }
}

const troubles = {
  failed: "Grimsel couldn't copy it",
  different: 'what Grimsel has copied is not what was received',
  nowhere: 'Grimsel has no such storage',
} as const satisfies Partial<Record<Answer, string>>

/** It isn't here any more, and not known to be anywhere else: the source still has it. */
export function receiveAgain(state: State, file: File): void {
  const { here: _, announced: __, safe: ___, ...bare } = file.record
  if (!bare.withdrawn) file.again = true
  tell(state, file, 'RECEIVED_AGAIN', 'warning', "it isn't here any more, and not known to be safe: received once more")
  if (bare.withdrawn) return lost(state, file)
  put(state, file, bare)
  defer(state, file)
}

/** What was to be told, or asked, is due again later. */
export function grimselFailed(state: State, { call, seqs, failure }: Event<'grimselFailed'>): void {
  const { link, config } = state
  const isFirst = link.failure?.code !== failure.code
  link.failure = failure
  link.attempts += 1
  link.due = state.now + backoff(link.attempts, FIRST_CALL, LONGEST_CALL, 0)
  if (call === 'announce') link.announcing = false
  else if (call === 'ask') link.asking = false
  else link.telling = false
  for (const seq of seqs) {
    const file = inHand(state, seq, call === 'ask' ? 'confirm' : 'announce')
    if (file !== undefined) enter(state, file, file.stage)
  }
  if (!isFirst) return
  const text = `Grimsel can't be reached: ${failure.text}; announcements wait`
  say(state, { code: 'GRIMSEL_UNAVAILABLE', severity: 'error', subject: config.grimselPlace, text }, failure.code)
}

function reached(state: State): void {
  const { link, config } = state
  link.attempts = 0
  link.due = 0
  if (link.failure === undefined) return
  link.failure = undefined
  const text = 'Grimsel is there again; announcements go on'
  say(state, { code: 'GRIMSEL_BACK', severity: 'info', subject: config.grimselPlace, text })
}

function tell(
  state: State,
  { record, source }: File,
  code: 'LATE' | 'NOT_CONFIRMED' | 'RECEIVED_AGAIN',
  severity: 'warning' | 'error',
  text: string,
  reason?: string,
): void {
  say(state, { code, severity, source: source.id, subject: record.offer.name, text }, reason)
}
