/** Defaults and checks of a Furka's options. */

import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { type ByteString, textOfBytes } from '../bytes.js'
import type { EngineOptions } from '../engine/index.js'
import type { Grimsel } from '../grimsel/index.js'
import { completePath } from '../mirror/index.js'
import { checkInteger, checkNames, checkSignal, checkWord, optionError } from '../options.js'
import { bytesOfPath, isWithin } from '../paths.js'
import type { FileSource } from '../source/files.js'
import { parseTarget, type Target } from '../storage/index.js'
import { checkMayGive } from './ownership.js'
import type { Confirm, FurkaOptions, FurkaSourceOptions, GrimselTarget } from './types.js'
import { type ConfiguredUser, type FurkaUser, resolveUser } from './user.js'

export interface CompleteFurkaSource {
  readonly source: FileSource
  readonly id: string
  readonly target: Target
  readonly connections: number
  readonly stallTimeout: number
  readonly engine: Pick<EngineOptions, 'faults' | 'nice'>
}

/** How Grimsel hears of files. */
export type CompleteGrimsel =
  | { readonly by: 'process'; readonly grimsel: Grimsel }
  | { readonly by: 'control'; readonly path: string; readonly trust: readonly number[] }
  | { readonly by: 'pipe'; readonly path: string }

/** Options with nothing left open. */
export interface CompleteFurkaOptions {
  readonly sources: readonly CompleteFurkaSource[]
  readonly journal: string
  readonly defaultUser: FurkaUser
  /** What counts for what a change of user leaves open: the default user, whose directory may be another for each user. */
  readonly openUser: ConfiguredUser
  /** Whose turn begins with the opening. */
  readonly user: FurkaUser | undefined
  readonly grimsel: CompleteGrimsel | undefined
  readonly confirm: Confirm
  readonly requiredMount: ByteString | undefined
  readonly mode: number
  readonly directoryMode: number
  readonly signal: AbortSignal | undefined
}

const optionNames = [
  'sources',
  'journal',
  'defaultUser',
  'user',
  'grimsel',
  'confirm',
  'requiredMount',
  'mode',
  'directoryMode',
  'signal',
] as const satisfies (keyof FurkaOptions)[]
const sourceNames = [
  'source',
  'target',
  'connections',
  'stallTimeout',
  'engine',
] as const satisfies (keyof FurkaSourceOptions)[]

/** A day in milliseconds. */
const day = 86_400_000

/** @throws SustenError `ERR_SUSTEN_OPTION` that names the option */
export function completeFurkaOptions(options: FurkaOptions): CompleteFurkaOptions {
  checkNames('Furka.open', options, optionNames)
  const sources = completeSources(options.sources)
  const { requiredMount } = options
  const mount = requiredMount === undefined ? undefined : completePath('requiredMount', requiredMount)
  if (mount !== undefined) checkMount(mount, sources)
  const defaultUser = resolveUser(options.defaultUser ?? {}, processUser())
  const openUser = { ...defaultUser, userDirectory: options.defaultUser?.userDirectory ?? '' }
  const user = options.user === undefined ? undefined : resolveUser(options.user, openUser)
  for (const one of [defaultUser, user]) if (one !== undefined) checkMayGive(one)
  const grimsel = options.grimsel === undefined ? undefined : completeGrimsel(options.grimsel)
  return {
    sources,
    journal: completeJournal(options.journal, sources),
    defaultUser,
    openUser,
    user,
    grimsel,
    confirm: completeConfirm(options.confirm, grimsel),
    requiredMount: mount,
    mode: checkInteger('mode', options.mode ?? 0o644, 0, 0o777),
    directoryMode: checkInteger('directoryMode', options.directoryMode ?? 0o755, 0, 0o777),
    signal: options.signal === undefined ? undefined : checkSignal('signal', options.signal),
  }
}

/** Whom this process runs as. */
const processUser = (): FurkaUser => ({
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  userDirectory: '',
})

function completeSources(sources: unknown): CompleteFurkaSource[] {
  if (!Array.isArray(sources) || sources.length === 0) {
    throw optionError("option 'sources' must list at least one source: { source, target }")
  }
  const complete = sources.map((one: FurkaSourceOptions, index) => completeSource(one, `sources[${index}]`))
  const ids = new Set<string>()
  for (const { id } of complete) {
    if (ids.has(id)) throw optionError(`option 'sources': two have the id '${id}'; ids must differ`)
    ids.add(id)
  }
  return complete
}

function completeSource(options: FurkaSourceOptions, where: string): CompleteFurkaSource {
  checkNames(where, options, sourceNames)
  const { target, engine = {} } = options
  const source = checkSource(`${where}.source`, options.source)
  if (target === undefined) throw optionError(`option '${where}.target' is missing: the directory that files go to`)
  checkNames(`${where}.engine`, engine, ['faults', 'nice'])
  return {
    source,
    id: source.id,
    target: parseTarget(`option '${where}.target'`, bytesOfPath(target, `option '${where}.target'`)),
    connections: checkInteger(`${where}.connections`, options.connections ?? 4, 1, 64),
    stallTimeout: checkInteger(`${where}.stallTimeout`, options.stallTimeout ?? 30_000, 10, day),
    engine,
  }
}

const methods = ['open', 'read', 'remove', 'close'] as const satisfies (keyof FileSource)[]
const mayHave = ['locate', 'look', 'release'] as const

/** What somebody else wrote is looked at before it is relied on. */
function checkSource(name: string, source: unknown): FileSource {
  if (typeof source !== 'object' || source === null) {
    throw optionError(`option '${name}' must be a source of files, see docs/SOURCES.md`)
  }
  const given = source as Readonly<Record<string, unknown>>
  for (const method of methods) {
    if (typeof given[method] !== 'function') throw optionError(`option '${name}' must have a method '${method}'`)
  }
  for (const method of mayHave) {
    const value = given[method]
    if (value === undefined || typeof value === 'function') continue
    throw optionError(`option '${name}': '${method}' must be a method, not ${inspect(value)}`)
  }
  const { id } = given
  if (typeof id !== 'string' || !/^[^\p{C}]{1,256}$/u.test(id)) {
    throw optionError(`option '${name}.id' must be 1 to 256 characters that can be printed, not ${inspect(id)}`)
  }
  return source as FileSource
}

function checkMount(mount: ByteString, sources: readonly CompleteFurkaSource[]): void {
  for (const { id, target } of sources) {
    if (isWithin(mount, target.root)) continue
    const [root, at] = [textOfBytes(target.root), textOfBytes(mount)]
    throw optionError(`option 'requiredMount': target ${root} of source '${id}' doesn't lie below ${at}`)
  }
}

function completeJournal(journal: unknown, sources: readonly CompleteFurkaSource[]): string {
  if (typeof journal !== 'string' || journal === '') {
    throw optionError("option 'journal' must be the path of a directory")
  }
  const directory = resolve(journal)
  for (const { id, target } of sources) {
    if (!isWithin(textOfBytes(target.path), directory)) continue
    throw optionError(`option 'journal': ${directory} lies in the target of source '${id}'; give it a place elsewhere`)
  }
  return directory
}

function completeGrimsel(given: GrimselTarget): CompleteGrimsel {
  if (typeof given !== 'object' || given === null) throw wrongGrimsel(given)
  if ('control' in given) {
    checkNames('Furka.open: grimsel', given, ['control', 'trust'])
    const trust = given.trust ?? []
    if (!Array.isArray(trust)) throw optionError("option 'grimsel.trust' must be a list of users' numbers")
    for (const [index, uid] of trust.entries()) checkInteger(`grimsel.trust[${index}]`, uid, 0, 2 ** 32 - 2)
    return { by: 'control', path: checkPath('grimsel.control', given.control), trust }
  }
  if ('pipe' in given) {
    checkNames('Furka.open: grimsel', given, ['pipe'])
    return { by: 'pipe', path: checkPath('grimsel.pipe', given.pipe) }
  }
  if (typeof given.add !== 'function' || typeof given.find !== 'function' || typeof given.changeUser !== 'function') {
    throw wrongGrimsel(given)
  }
  return { by: 'process', grimsel: given }
}

const wrongGrimsel = (given: unknown): Error =>
  optionError(`option 'grimsel' must be an open Grimsel, { control } or { pipe }, not ${inspect(given, { depth: 0 })}`)

function checkPath(name: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return resolve(path)
  throw optionError(`option '${name}' must be a path, not ${inspect(path)}`)
}

function completeConfirm(confirm: unknown, grimsel: CompleteGrimsel | undefined): Confirm {
  const answers = grimsel !== undefined && grimsel.by !== 'pipe'
  if (confirm === undefined) return answers ? 'internal' : 'buffer'
  const tier = checkWord('confirm', confirm, ['buffer', 'internal', 'external'])
  if (tier === 'buffer' || answers) return tier
  const why = grimsel === undefined ? "there is no 'grimsel' to ask" : 'a pipe answers nothing; use its control socket'
  throw optionError(`option 'confirm' can't be '${tier}': ${why}`)
}
