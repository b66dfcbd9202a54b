import { announced, dismiss, recopy, retry, vanished } from './announce.js'
import { evict } from './catalog.js'
import { storeDirectories } from './clearing.js'
import type { Command } from './commands.js'
import { dispatch, nextWake } from './dispatch.js'
import type { CoreEvent } from './events.js'
import { fillRead } from './fill.js'
import { flushMessages, say } from './messages.js'
import { load } from './queue.js'
import { kept, released } from './released.js'
import { copied, failed, returned } from './results.js'
import { userChanged } from './shifts.js'
import type { State } from './state.js'
import { coreKey, createOut, directoriesKey, identitiesKey, shiftKeys, storeCore, storeIdentities } from './state.js'
import { accept, sourceChanged, volumeLost, volumeRead } from './storages.js'
import { nourish, tierLoaded } from './tier-passes.js'
import { storeShift } from './tier-state.js'

/**
 * The one place where everything is decided: takes in what happened, in order, and says what to do. Deterministic:
 * the same state and events give the same commands. `state` is changed in place and belongs to this function.
 *
 * What events bring as `record` must be what the journal knew when the call began, with the operations of all earlier
 * calls applied.
 */
export function decide(state: State, events: readonly CoreEvent[]): Command[] {
  for (const event of events) {
    state.now = Math.max(state.now, event.at)
    take(state, event)
  }
  dispatch(state)
  flushMessages(state)
  evict(state)
  return commands(state)
}

function take(state: State, event: CoreEvent): void {
  switch (event.type) {
    case 'announced':
      announced(state, event)
      break
    case 'copied':
      copied(state, event)
      break
    case 'failed':
      failed(state, event)
      break
    case 'returned':
      returned(state, event)
      break
    case 'volume':
      volumeRead(state, event)
      fillRead(state, event.storage, event.volume)
      break
    case 'userChange':
      userChanged(state, event)
      break
    case 'released':
      released(state, event)
      break
    case 'kept':
      kept(state, event)
      break
    case 'tierLoaded': {
      const tier = state.tiers.find(({ config }) => config.id === event.tier)
      if (tier !== undefined) tierLoaded(state, tier, event)
      break
    }
    case 'unavailable':
      volumeLost(state, event)
      break
    case 'accept':
      accept(state, event)
      break
    case 'source':
      sourceChanged(state, event)
      break
    case 'vanished':
      vanished(state, event)
      break
    case 'recopy':
      recopy(state, event)
      break
    case 'retry':
      retry(state, event)
      break
    case 'dismiss':
      dismiss(state, event)
      break
    case 'loaded': {
      const storage = state.byId.get(event.storage)
      if (storage === undefined) return
      load(state, storage, event.records, event.last, event.short)
      break
    }
    case 'journaled':
      state.unjournaled -= event.ops
      state.durable += event.ops
      for (const storage of state.storages) storage.starved = false
      for (const tier of state.tiers) nourish(tier)
      break
    case 'pause':
    case 'resume':
      setPaused(state, event.storage, event.type === 'pause')
      break
    case 'observed':
      say(state, { ...event, severity: 'warning' })
      break
    case 'tick':
      // The timer is spent, even if it went off a little early.
      state.wake = Number.POSITIVE_INFINITY
      break
  }
}

function setPaused(state: State, id: string | undefined, paused: boolean): void {
  const storage = id === undefined ? undefined : state.byId.get(id)
  if (storage !== undefined) {
    // One goes on; the others stay as they are.
    if (state.paused && !paused) for (const one of state.storages) one.paused = true
    if (!paused) state.paused = false
    storage.paused = paused
  } else if (id === undefined) {
    state.paused = paused
    if (!paused) for (const one of state.storages) one.paused = false
  }
}

/** Everything that came up, as commands: what must be durable in one operation, with what may be told then. */
function commands(state: State): Command[] {
  const { out } = state
  const { commands: list, ops, notices } = out
  if (out.changed) ops.push({ type: 'set', key: coreKey, value: storeCore(state) })
  if (out.identities) ops.push({ type: 'set', key: identitiesKey, value: storeIdentities(state) })
  if (out.directories) ops.push({ type: 'set', key: directoriesKey, value: storeDirectories(state) })
  for (const number of out.shifts) {
    ops.push({ type: 'set', key: `${shiftKeys}${number}`, value: storeShift(state, number) })
  }
  if (ops.length > 0) {
    state.unjournaled += ops.length
    state.issued += ops.length
    list.unshift({ type: 'journal', ops, notices })
  } else {
    for (const notice of notices) list.push({ type: 'tell', notice })
  }
  const wake = nextWake(state)
  if (wake !== state.wake) list.push({ type: 'wake', at: wake })
  state.wake = wake
  state.out = createOut()
  return list
}
