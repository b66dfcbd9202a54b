/** Mistakes that the simulation must find: each a small change of one part, or of what a part is told. */
import type { Command, CoreEvent, State } from '#lib/core/index.js'
import type { AppendFile } from '#lib/journal/index.js'
import type { SimDisk } from './disk.js'
import { type Parts, soundParts } from './world.js'

export interface Bug {
  readonly name: string
  readonly parts: Partial<Parts>
}

type Files = SimDisk['files']

/** An append that doesn't wait for the disk. */
function hasty(file: AppendFile): AppendFile {
  return {
    ...file,
    async append(bytes, position) {
      file.append(bytes, position).catch(() => {})
    },
  }
}

const hastyFiles = (files: Files): Files => ({
  ...files,
  create: async (name, content) => hasty(await files.create(name, content)),
  open: async (name) => hasty(await files.open(name)),
})

/** Calls the core with other events, or makes something else of its commands. */
const around = (
  change: (state: State, events: readonly CoreEvent[], decide: Parts['decide']) => Command[],
): Partial<Parts> => ({ decide: (state, events) => change(state, events, soundParts.decide) })

/** What is applied counts as durable at once. */
function journaledAtOnce(state: State, events: readonly CoreEvent[], decide: Parts['decide']): Command[] {
  const commands: Command[] = []
  let left = events.filter(({ type }) => type !== 'journaled')
  for (;;) {
    const more = decide(state, left)
    commands.push(...more)
    left = more.flatMap((command) =>
      command.type === 'journal' ? [{ type: 'journaled', at: state.now, ops: command.ops.length }] : [],
    )
    if (left.length === 0) return commands
  }
}

/** Links are said to be gone while they stand. */
function linksStay(state: State, events: readonly CoreEvent[], decide: Parts['decide']): Command[] {
  const said: CoreEvent[] = []
  const commands = decide(state, events).map((command): Command => {
    if (command.type !== 'release' || command.tier !== 'buffer') return command
    const files = command.files.filter(({ path, by }) => {
      const on = state.files.get(path)?.record.tiers?.[0]
      if (by !== 'clear' || on?.state !== 'link') return true
      said.push({ type: 'released', at: state.now, tier: 'buffer', path, outcome: 'released', bytes: 0 })
      return false
    })
    return { ...command, files }
  })
  return said.length === 0 ? commands : [...commands, ...decide(state, said)]
}

/** A file is taken for gone once a copy of it is done. */
function forgetsEarly(state: State, events: readonly CoreEvent[], decide: Parts['decide']): Command[] {
  const commands = decide(state, events)
  const gone = events.flatMap((event): CoreEvent[] => {
    if (event.type !== 'copied') return []
    return [{ type: 'vanished', at: event.at, path: event.path, record: state.files.get(event.path)?.record }]
  })
  return gone.length === 0 ? commands : [...commands, ...decide(state, gone)]
}

/** What is pending is released with what is copied. */
function releasesPending(state: State, events: readonly CoreEvent[], decide: Parts['decide']): Command[] {
  const commands = decide(state, events)
  for (const { record } of state.files.values()) {
    const copy = record.copies.find(({ storage }) => storage === 'disk')
    if (state.tiers.length === 0 || copy?.state !== 'pending') continue
    const known = copy.source ?? { size: 1, mtimeNs: 0n }
    const file = { path: record.path, cut: record.cut, by: 'delete', known, copy: known } as const
    const about = { tier: 'buffer', to: 'disk', identity: undefined, toIdentity: undefined } as const
    return [...commands, { type: 'release', ...about, files: [file], directories: [] }]
  }
  return commands
}

export const bugs: readonly Bug[] = [
  { name: 'a copy that is told before it is durable', parts: { copySyncs: false } },
  { name: 'a copy that is not compared with what its source is by then', parts: { copyCompares: false } },
  { name: 'a copy to the disk that has been put in the place of the right one', parts: { copyIdentifies: false } },
  { name: 'a release that does not compare what it has put away', parts: { releaseCompares: false } },
  { name: 'a file that stays put away when the process was killed', parts: { restores: false } },
  { name: 'an answer before an announcement is durable', parts: { acknowledgesDurably: false } },
  { name: 'an announcement that does not ask what is known of the file', parts: { asksJournal: false } },
  { name: 'a journal that does not wait for its disk', parts: { disk: hastyFiles } },
  {
    name: 'a journal that goes on behind what was never synced',
    parts: { disk: (files) => ({ ...files, settle: async () => {} }) },
  },
  {
    name: 'a page of the journal without its first file',
    parts: {
      async openJournal(options) {
        const journal = await soundParts.openJournal(options)
        const list: typeof journal.list = (...given) => {
          const found = journal.list(...given)
          return found.length > 2 ? found.slice(1) : found
        }
        return { ...journal, list }
      },
    },
  },
  { name: 'a release before the journal has what it relies on', parts: around(journaledAtOnce) },
  { name: 'a release of what is only pending', parts: around(releasesPending) },
  { name: 'a link that outlives what it leads to', parts: around(linksStay) },
  { name: 'a file that is forgotten early', parts: around(forgetsEarly) },
  {
    name: 'a retry that is dropped',
    parts: around((state, events, decide) => {
      const commands = decide(state, events)
      for (const { due } of state.storages) while (due.peek() !== undefined) due.pop()
      return commands
    }),
  },
  {
    name: 'a counter that is counted on at a restart',
    parts: {
      createState: (config, now, stored) => {
        const state = soundParts.createState(config, now, stored)
        for (const byStorage of state.counters.values()) for (const counts of byStorage.values()) counts.copied += 1
        return state
      },
    },
  },
  {
    name: 'a shift that is lost at a restart',
    parts: {
      createState: (config, now, stored = {}) =>
        soundParts.createState(config, now, { ...stored, shifts: stored.shifts?.slice(1) }),
    },
  },
]
