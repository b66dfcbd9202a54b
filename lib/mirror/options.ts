/** Defaults and checks of a Mirror's options. */

import { createHash } from 'node:crypto'
import { availableParallelism, homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { type ByteString, bufferOfBytes, type PathInput, textOfBytes } from '../bytes.js'
import { checkDurability, checkVerify, completePreserve } from '../copy-options.js'
import { defaultRetry, type RetryOptions, type StorageType } from '../core/index.js'
import type { EngineOptions } from '../engine/index.js'
import type { NativeCopyOptions } from '../native.js'
import { checkBoolean, checkInteger, checkNames, checkSignal, checkWord, optionError } from '../options.js'
import { absolutePath, bytesOfPath, isWithin } from '../paths.js'
import { keepAll, type StoragePolicy } from '../policy/index.js'
import { parseTarget, type Target } from '../storage/index.js'
import type { CompleteSpace } from './space.js'
import type { MirrorOptions, RetryTimes, StorageOptions } from './types.js'

/** A storage's options with nothing left open. */
export interface CompleteStorage {
  readonly id: string
  readonly type: StorageType
  readonly target: Target
  readonly mountPoint: ByteString | undefined
  readonly concurrency: number
  readonly copy: NativeCopyOptions
  readonly engine: EngineOptions
}

/** Options with nothing left open. */
export interface CompleteMirrorOptions {
  readonly source: ByteString
  /** Where the source's file system must be mounted, if that is asked for. */
  readonly sourceMountPoint?: ByteString | undefined
  readonly storages: readonly CompleteStorage[]
  readonly journal: string
  readonly policy: StoragePolicy
  readonly watch: boolean
  readonly settle: number
  readonly scanInterval: number
  readonly volumeInterval: number
  readonly retry: RetryOptions
  readonly signal: AbortSignal | undefined
  /** Of a Grimsel: when space is made. */
  readonly space?: CompleteSpace | undefined
  /** For tests: more options of the engine that releases from the source. */
  readonly bufferEngine?: EngineOptions | undefined
}

const optionNames = [
  'source',
  'storages',
  'journal',
  'policy',
  'watch',
  'settle',
  'scanInterval',
  'volumeInterval',
  'verify',
  'durability',
  'retry',
  'signal',
  'engines',
] as const satisfies (keyof MirrorOptions)[]
const storageNames = [
  'id',
  'type',
  'target',
  'mountPoint',
  'concurrency',
  'verify',
  'durability',
  'preserve',
] as const satisfies (keyof StorageOptions)[]
const policyNames = ['name', 'storages', 'retry'] as const satisfies (keyof StoragePolicy)[]
const day = 86_400_000

/** @throws SustenError `ERR_SUSTEN_OPTION` that names the option */
export function completeMirrorOptions(options: MirrorOptions): CompleteMirrorOptions {
  checkNames('Mirror.open', options, optionNames)
  const source = completeSource('source', options.source)
  return {
    ...completeCommon(options, source, 'source'),
    policy: completePolicy(options.policy),
    watch: checkBoolean('watch', options.watch ?? true),
    settle: checkInteger('settle', options.settle ?? 1000, 10, day),
    scanInterval: checkInteger('scanInterval', options.scanInterval ?? 60_000, 100, day),
  }
}

type Common = 'source' | 'storages' | 'journal' | 'volumeInterval' | 'retry' | 'signal'

/**
 * Options that a Mirror and a Grimsel have in common.
 * @param what Names the source in messages.
 */
export function completeCommon(
  options: Omit<MirrorOptions, 'source'>,
  source: ByteString,
  what: 'source' | 'buffer',
): Pick<CompleteMirrorOptions, Common> {
  checkDurability('durability', options.durability)
  checkVerify('verify', options.verify, 'inline')
  const storages = completeStorages(options)
  checkPlaces(source, what, storages)
  return {
    source,
    storages,
    journal: completeJournal(options, source, what),
    volumeInterval: checkInteger('volumeInterval', options.volumeInterval ?? 1000, 50, day),
    retry: completeRetry(options.retry ?? {}),
    signal: options.signal === undefined ? undefined : checkSignal('signal', options.signal),
  }
}

export function completeSource(name: string, source: PathInput | undefined): ByteString {
  if (source === undefined) throw optionError(`option '${name}' is missing: the directory whose files are copied`)
  return completePath(name, source)
}

/** An absolute path in its plainest form. Relative ones would change their meaning with the working directory. */
export function completePath(name: string, path: PathInput): ByteString {
  const bytes = bytesOfPath(path, `option '${name}'`)
  if (bytes.startsWith('/')) return absolutePath(bytes)
  throw optionError(`option '${name}' must be an absolute path, not '${textOfBytes(bytes)}'`)
}

function completeStorages(options: Omit<MirrorOptions, 'source'>): CompleteStorage[] {
  if (!Array.isArray(options.storages) || options.storages.length === 0) {
    throw optionError("option 'storages' must list at least one storage: { id, type, target }")
  }
  const storages = options.storages.map((storage: StorageOptions, index) => completeStorage(options, storage, index))
  const ids = new Set<string>()
  for (const { id } of storages) {
    if (ids.has(id)) throw optionError(`option 'storages': two have the id '${id}'; ids must differ`)
    ids.add(id)
  }
  for (const id of Object.keys(options.engines ?? {})) {
    if (!ids.has(id)) throw optionError(`option 'engines': there is no storage '${id}'`)
  }
  const internal = storages.filter(({ type }) => type === 'internal').length
  const external = storages.filter(({ type }) => type === 'external').length
  if (internal !== 1) throw optionError(`option 'storages' must have exactly one of type 'internal', not ${internal}`)
  if (external > 1) throw optionError(`option 'storages' may have at most one of type 'external', not ${external}`)
  return storages
}

function completeStorage(
  options: Omit<MirrorOptions, 'source'>,
  storage: StorageOptions,
  index: number,
): CompleteStorage {
  const where = `storages[${index}]`
  checkNames(where, storage, storageNames)
  const { id, target, mountPoint } = storage
  if (typeof id !== 'string' || !/^[^\s\p{C}]{1,64}$/u.test(id)) {
    throw optionError(`option '${where}.id' must be 1 to 64 characters without blanks, not ${inspect(id)}`)
  }
  if (target === undefined) throw optionError(`option '${where}.target' is missing: the directory to copy to`)
  const concurrency = storage.concurrency ?? Math.min(8, 2 * availableParallelism())
  return {
    id,
    type: checkWord(`${where}.type`, storage.type, ['internal', 'external', 'optional']),
    target: parseTarget(`option '${where}.target'`, bytesOfPath(target, `option '${where}.target'`)),
    mountPoint: mountPoint === undefined ? undefined : completePath(`${where}.mountPoint`, mountPoint),
    concurrency: checkInteger(`${where}.concurrency`, concurrency, 1, 256),
    copy: {
      verify: checkVerify(`${where}.verify`, storage.verify ?? options.verify, 'inline'),
      durability: checkDurability(`${where}.durability`, storage.durability ?? options.durability),
      strategy: 'auto',
      ...completePreserve(`${where}.preserve`, storage.preserve ?? {}),
    },
    engine: options.engines?.[id] ?? {},
  }
}

/** Copies must not become sources, nor two storages write to one place. */
function checkPlaces(source: ByteString, what: string, storages: readonly CompleteStorage[]): void {
  const shown = textOfBytes(source)
  for (const [index, { id, target }] of storages.entries()) {
    if (isWithin(source, target.path) || isWithin(target.path, source)) {
      throw optionError(`storage '${id}': target ${textOfBytes(target.path)} and ${what} ${shown} lie in one another`)
    }
    for (const other of storages.slice(index + 1)) {
      if (isWithin(other.target.path, target.path) || isWithin(target.path, other.target.path)) {
        throw optionError(`the targets of storages '${id}' and '${other.id}' lie in one another; give each its own`)
      }
    }
  }
}

function completeJournal({ journal }: { readonly journal?: unknown }, source: ByteString, what: string): string {
  if (journal !== undefined && (typeof journal !== 'string' || journal === '')) {
    throw optionError("option 'journal' must be the path of a directory")
  }
  const directory = resolve(journal ?? defaultJournal(source))
  if (isWithin(textOfBytes(source), directory)) {
    throw optionError(`option 'journal': ${directory} lies in the ${what}; give it a place elsewhere`)
  }
  return directory
}

/** The same for every start with the same source. */
function defaultJournal(source: ByteString): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  const base = process.geteuid?.() === 0 ? '/var/lib/susten' : join(state, 'susten')
  const mark = createHash('sha256').update(bufferOfBytes(source)).digest('hex').slice(0, 8)
  const name = basename(textOfBytes(source)).replaceAll(/[^\w.-]/g, '_')
  return join(base, `${name === '' ? 'root' : name}-${mark}`)
}

function completePolicy(policy: StoragePolicy | undefined): StoragePolicy {
  if (policy === undefined) return keepAll()
  if (typeof policy !== 'object' || policy === null || typeof policy.name !== 'string') {
    throw optionError("option 'policy' must be an object with a name, see docs/POLICIES.md")
  }
  for (const method of ['release', 'shiftEnd'] as const) {
    if (policy[method] !== undefined) {
      throw optionError(`policy '${policy.name}' has ${method}(): a Mirror releases nothing and has no shifts`)
    }
  }
  checkNames(`policy '${policy.name}'`, policy, policyNames)
  return policy
}

function completeRetry(retry: RetryTimes): RetryOptions {
  checkNames('Mirror.open: retry', retry, ['attempts', 'first', 'max'])
  const first = checkInteger('retry.first', retry.first ?? defaultRetry.first, 1, day)
  return {
    attempts: checkInteger('retry.attempts', retry.attempts ?? defaultRetry.attempts, 1, 1000),
    first,
    max: checkInteger('retry.max', retry.max ?? Math.max(first, defaultRetry.max), first, day),
  }
}
