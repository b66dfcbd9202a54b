/** What can happen: one function for each kind of step. */
import { identitiesKey } from '#lib/core/index.js'
import { bytes } from '../support/core-world.js'
import { crash, shutDown } from './crashing.js'
import { fileAt, fingerprintOf, type Place, sync } from './places.js'
import { decideSome } from './process.js'
import { commit, land, mount, readVolume, readVolumes, tell, turn } from './surroundings.js'
import { announce, changeInPlace, forgo, remove, writeNew } from './users.js'
import { note, running, stamp, type World } from './world.js'

/** A step: `which` says on what, and all chance comes from `chance`. */
export interface Step {
  readonly what: StepName
  readonly which: number
  readonly chance: number
}

type Act = (world: World, which: number) => void | Promise<void>

function pathOf({ setup }: World, which: number): string {
  const number = which % setup.paths
  return `user${number % 2}/run${Math.floor(number / 2) % 2}/file${Math.floor(number / 4)}`
}

/** Copies and releases that are given back unbegun. */
function giveUp(world: World): void {
  const process = running(world)
  const failure = { code: 'ABORT_ERR', errno: 0, syscall: 'copy', path: bytes('') }
  const [copy] = process.copies.filter(({ stage }) => stage === 'waiting')
  if (copy !== undefined) {
    process.copies = process.copies.filter((other) => other !== copy)
    const { storage, order } = copy
    tell(world, { type: 'returned', at: world.now, storage, paths: [order.path], failure, side: 'storage' })
  }
  const [release] = process.releases.filter(({ stage }) => stage === 'waiting')
  if (release !== undefined) {
    process.releases = process.releases.filter((other) => other !== release)
    const { command, order } = release
    tell(world, { type: 'kept', at: world.now, tier: command.tier, paths: [order.path], failure })
  }
}

function pickStorage({ storages }: World, which: number): Place {
  const storage = storages[which % storages.length]
  if (storage === undefined) throw new Error('there is no storage')
  return storage
}

/** Somebody removes or changes a copy of what the buffer still has. */
function spoil(world: World, which: number): void {
  const place = pickStorage(world, which)
  const path = pathOf(world, which >> 3)
  const name = path.slice(world.cuts.get(path) ?? 0)
  const copy = fileAt(place, name)
  const here = fileAt(world.buffer, path)
  if (world.setup.cuts || copy === undefined || here?.content !== copy.content) return
  for (const other of world.places.values()) if (other.now.get(name)?.kind === 'link') return
  const releases = running(world).releases.filter(({ order, stage }) => order.path === path && stage !== 'waiting')
  if (releases.length > 0) return
  // What is changed on a tier stays there.
  const isChanged = (which >> 12) % 2 === 1 && world.config.tiers?.every(({ id }) => id !== place.id) !== false
  note(world, `  ${name} on ${place.id} is ${isChanged ? 'changed' : 'removed'} by somebody`)
  world.owed.get(path)?.on.delete(place.id)
  world.spoiled.add(`${copy.content} ${place.id}`)
  place.now.delete(name)
  if (isChanged) {
    world.contents += 1
    world.lineage.set(world.contents, copy.ino)
    place.now.set(name, { ...copy, content: world.contents, mtimeNs: stamp(world) })
  }
  sync(place, name)
}

/** The optional storage gets another disk, which is accepted: what the buffer still has is copied there. */
function exchangeForGood(world: World): void {
  const usb = world.places.get('usb')
  const process = running(world)
  if (usb?.mounted !== 'own' || process.copies.some(({ storage }) => storage === 'usb')) return
  usb.identity = `own-usb-${world.contents}`
  usb.now.clear()
  usb.safe.clear()
  usb.others = 0
  world.exchanged = world.contents
  for (const [path, owed] of world.owed) {
    owed.on.delete('usb')
    if (fileAt(world.buffer, path)?.content !== owed.content && owed.on.size === 0) world.owed.delete(path)
  }
  tell(world, { type: 'accept', at: world.now, storage: 'usb' })
  readVolume(world, usb)
  for (const [path, record] of world.book.live.records) {
    if (!record.copies.some(({ storage, state }) => storage === 'usb' && state === 'copied')) continue
    if (world.buffer.now.has(path)) tell(world, { type: 'recopy', at: world.now, storage: 'usb', path: bytes(path) })
  }
}

/** What a look at the source has found. */
function lookAt(world: World, path: string): void {
  const { buffer, setup } = world
  if (setup.shape !== 'mirror' || !world.isSourceThere) return
  const file = fileAt(buffer, path)
  if (file === undefined) return
  announce(world, path, cutOf(world, path), fingerprintOf(file))
}

function mishap(world: World, which: number): void {
  const place = pickStorage(world, which)
  const how = (which >> 3) % 5
  // Whichever is there when the first reading becomes durable is the right one.
  const isKnown = world.book.safe.values.get(identitiesKey)?.includes(`"${place.id}"`) === true
  if (how < 2) mount(world, place)
  else place.mounted = how === 2 && isKnown ? 'other' : 'none'
  if (how !== 4) readVolume(world, place)
}

/** The path that users write to, and whether the directory above is replicated too. */
const cutOf = ({ setup }: World, path: string): number => (setup.cuts ? path.indexOf('/') + 1 : 0)

const acts = {
  wait: () => {},
  pass: (world, which) => {
    world.now += which % 3000
    const process = running(world)
    if (world.now >= process.wake) {
      process.wake = Number.POSITIVE_INFINITY
      tell(world, { type: 'tick', at: world.now })
    }
  },
  arrive: (world, which) => {
    const path = pathOf(world, which)
    if (writeNew(world, path)) announce(world, path, cutOf(world, path))
  },
  rewrite: (world, which) => {
    const path = pathOf(world, which)
    if (changeInPlace(world, path, which >> 8)) announce(world, path, cutOf(world, path))
  },
  writeUnannounced: (world, which) => {
    const path = pathOf(world, which)
    if (which & 256) writeNew(world, path)
    else changeInPlace(world, path, which >> 9)
  },
  announce: (world, which) => {
    const path = pathOf(world, which)
    announce(world, path, cutOf(world, path))
  },
  look: (world, which) => lookAt(world, pathOf(world, which)),
  remove: (world, which) => remove(world, pathOf(world, which)),
  vanished: (world, which) => {
    const path = pathOf(world, which)
    if (!world.isSourceThere || world.buffer.now.has(path) || world.buffer.hidden.has(path)) return
    tell(world, { type: 'vanished', at: world.now, path: bytes(path) })
  },
  land: (world) => land(world, running(world)),
  commit: (world, which) => commit(world, 1 + (which % 6)),
  decideOne: (world) => decideSome(world, running(world), 1),
  giveUp: (world) => giveUp(world),
  readVolumes: (world) => readVolumes(world),
  changeUser: (world, which) => tell(world, { type: 'userChange', at: world.now, uid: which % 3, gid: 7 }),
  mishap,
  fill: (world, which) => {
    const place = which % 3 === 0 ? pickStorage(world, which >> 2) : world.buffer
    place.others = Math.floor(((which >> 4) % 100) * 0.0095 * place.capacity)
  },
  trouble: (world, which) => {
    const place = [...world.places.values()][which % world.places.size]
    if (place === undefined) return
    place.trouble = which & 256 ? 0.3 : 0
    place.code = ['EACCES', 'EIO', 'ENOSPC', 'ETIMEDOUT'][(which >> 9) % 4] ?? 'EIO'
  },
  spoil,
  retry: (world, which) => tell(world, { type: 'retry', at: world.now, path: bytes(pathOf(world, which)) }),
  dismiss: (world, which) => {
    const path = pathOf(world, which)
    forgo(world, path)
    tell(world, { type: 'dismiss', at: world.now, path: bytes(path), storage: pickStorage(world, which >> 8).id })
  },
  source: (world, which) => {
    world.isSourceThere = which % 3 > 0
    tell(world, { type: 'source', at: world.now, available: world.isSourceThere })
  },
  pause: (world, which) => {
    const type = which & 256 ? 'pause' : 'resume'
    tell(world, { type, at: world.now, storage: which & 512 ? undefined : pickStorage(world, which).id })
  },
  exchangeForGood: (world) => exchangeForGood(world),
  kill: (world) => crash(world, 'kill'),
  cutPower: (world) => crash(world, 'cut'),
  stop: (world) => shutDown(world),
  failJournal: async (world, which) => {
    world.disk.fail(world.random, which % 2 === 0 ? 'ENOSPC' : 'EIO')
    await turn()
    await crash(world, 'kill')
  },
} satisfies Record<string, Act>

export type StepName = keyof typeof acts

/** How often each kind of step comes, of a hundred or so. The first is what steps are simplified to. */
export const weights: Readonly<Record<StepName, number>> = {
  wait: 1,
  pass: 6,
  arrive: 14,
  rewrite: 4,
  writeUnannounced: 3,
  announce: 2,
  look: 2,
  remove: 1,
  vanished: 1,
  land: 30,
  commit: 16,
  decideOne: 2,
  giveUp: 1,
  readVolumes: 4,
  changeUser: 1.5,
  mishap: 3,
  fill: 5,
  trouble: 2,
  spoil: 2,
  retry: 1,
  dismiss: 0.3,
  source: 0.7,
  pause: 1,
  exchangeForGood: 0.3,
  kill: 0.8,
  cutPower: 0.5,
  stop: 0.2,
  failJournal: 0.2,
}

export const act = (world: World, { what, which }: Step): void | Promise<void> => (acts[what] as Act)(world, which)
