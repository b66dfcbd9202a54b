/** Gives out what can be done now. */
import { begin, enter, isDurable, isVerified, wakeFiles } from './files.js'
import { nextGrace, nextToTell } from './handing-over.js'
import { nextMessage } from './messages.js'
import { takeWhile } from './queue.js'
import type { FileRecord } from './record.js'
import type { File, Source, State } from './state.js'
import { turnOf } from './turns.js'

/** Files in one command to Grimsel; removals under way at a source. */
const MOST_ANNOUNCED = 256
const MOST_ASKED = 256
const MOST_REMOVALS = 64
/** Looks for files under way at a source's target. */
const MOST_SEEKS = 16

export function dispatch(state: State): void {
  wakeFiles(state)
  if (!state.draining) {
    for (const source of state.sources.values()) {
      order(state, source)
      seek(state, source)
    }
  }
  if (state.config.grimsel !== 'none' && state.link.due <= state.now) call(state)
}

function order(state: State, source: Source): void {
  const { id } = source
  if (!source.available) return
  const { commands } = state.out
  const removals = take(source.remove, MOST_REMOVALS - source.removals, (file) => isDurable(state, file))
  const sure = removals.filter((file) => file.record.offer.exact || isVerified(state, file))
  for (const file of removals) if (!file.record.offer.exact && !isVerified(state, file)) enter(state, file, 'verify')
  if (sure.length > 0) {
    const files = sure.map(({ record: { seq, offer } }) => ({ seq, offer }))
    commands.push({ type: 'remove', source: id, files })
  }
  const verifies = take(source.verify, source.connections - source.transfers, (file) => isDurable(state, file))
  if (verifies.length > 0) {
    const files = verifies.flatMap(({ record: { seq, offer, here } }) =>
      here === undefined ? [] : { seq, offer, here },
    )
    commands.push({ type: 'verify', source: id, files })
  }
  if (source.blocked !== undefined && source.blocked.until > state.now) return
  const receives = take(source.receive, source.connections - source.transfers, () => true)
  if (receives.length > 0) {
    const files = receives.map(({ record: { seq, offer, turn }, tried }) => ({
      seq,
      offer,
      user: turnOf(state, turn).user,
      again: tried,
    }))
    commands.push({ type: 'receive', source: id, files })
  }
}

/** Whatever its source does; but where nothing can be written, nothing that is found, or isn't, counts. */
function seek(state: State, source: Source): void {
  const { id, blocked } = source
  if (blocked !== undefined && blocked.until > state.now) return
  const files = take(source.seek, MOST_SEEKS - source.seeks, () => true).map(({ record: { seq, offer, turn } }) => ({
    seq,
    offer,
    user: turnOf(state, turn).user,
  }))
  if (files.length > 0) state.out.commands.push({ type: 'seek', source: id, files })
}

function call(state: State): void {
  const { link } = state
  const { commands } = state.out
  if (!link.announcing && !link.telling) {
    const turn = nextToTell(state)
    const files = take(state.announce, MOST_ANNOUNCED, (file) => isDurable(state, file))
    if (files.length > 0) {
      link.announcing = true
      commands.push({
        type: 'announce',
        files: files.map(({ record }) => ({ seq: record.seq, paths: pathsOf(record) })),
      })
    } else if (turn !== undefined) {
      link.telling = true
      commands.push({ type: 'tellUser', turn })
    }
  }
  if (!link.asking && !state.draining) {
    const files = take(state.confirm, MOST_ASKED, () => true)
    if (files.length === 0) return
    link.asking = true
    const asked = files.flatMap(({ record: { seq, here } }) => (here === undefined ? [] : { seq, here }))
    commands.push({ type: 'ask', files: asked })
  }
}

/** What was kept goes first: it is older. */
const pathsOf = ({ also = [], here, announced }: FileRecord) =>
  here === undefined || announced ? also : [...also, here.path]

function take(queue: Source['receive'], most: number, isReady: (file: File) => boolean): File[] {
  const files = takeWhile(queue, most, isReady)
  for (const file of files) begin(file)
  return files
}

/** When there is something to do next if nothing happens. */
export function nextWake(state: State): number {
  let next = Math.min(nextMessage(state), state.later.peek()?.at ?? Number.POSITIVE_INFINITY, nextGrace(state))
  if (state.link.due > state.now) next = Math.min(next, state.link.due)
  for (const { blocked } of state.sources.values()) {
    if (blocked !== undefined && blocked.until > state.now) next = Math.min(next, blocked.until)
  }
  return next
}
