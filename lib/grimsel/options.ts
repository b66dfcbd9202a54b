/** Defaults and checks of a Grimsel's options. */
import { inspect } from 'node:util'
import { bufferTier } from '../core/index.js'
import { type CompleteMirrorOptions, completeCommon, completePath, completeSource } from '../mirror/index.js'
import { checkBoolean, checkInteger, checkNames, checkWord, optionError } from '../options.js'
import { grimsel, type StoragePolicy } from '../policy/index.js'
import type { BufferOptions, GrimselOptions, SpaceOptions } from './types.js'

const optionNames = [
  'buffer',
  'storages',
  'journal',
  'policy',
  'space',
  'history',
  'volumeInterval',
  'verify',
  'durability',
  'retry',
  'signal',
  'engines',
] as const satisfies (keyof GrimselOptions)[]
const bufferNames = ['directory', 'mountPoint'] as const satisfies (keyof BufferOptions)[]
const spaceNames = ['limit', 'lowWater', 'createLinks'] as const satisfies (keyof SpaceOptions)[]
const policyNames = [
  'name',
  'byAccess',
  'storages',
  'retry',
  'release',
  'shiftEnd',
] as const satisfies (keyof StoragePolicy)[]

/** @throws SustenError `ERR_SUSTEN_OPTION` that names the option */
export function completeGrimselOptions(options: GrimselOptions): CompleteMirrorOptions {
  checkNames('Grimsel.open', options, optionNames)
  const { buffer, engines = {}, ...common } = options
  if (typeof buffer !== 'object' || buffer === null) throw optionError("option 'buffer' is missing: { directory }")
  checkNames('Grimsel.open: buffer', buffer, bufferNames)
  if (options.durability !== undefined) checkWord('durability', options.durability, ['batch', 'each'])
  const { [bufferTier]: bufferEngine, ...storageEngines } = engines
  const source = completeSource('buffer.directory', buffer.directory)
  const complete = completeCommon({ ...common, engines: storageEngines }, source, 'buffer')
  checkStorages(complete.storages)
  const { mountPoint } = buffer
  return {
    ...complete,
    ...(mountPoint === undefined ? {} : { sourceMountPoint: completePath('buffer.mountPoint', mountPoint) }),
    policy: completePolicy(options.policy),
    // Only what is announced is copied.
    watch: false,
    settle: 0,
    scanInterval: 0,
    space: {
      ...completeSpace(options.space ?? {}),
      history: checkInteger('history', options.history ?? 100, 1, 100_000),
    },
    bufferEngine,
  }
}

function checkStorages(storages: CompleteMirrorOptions['storages']): void {
  for (const [index, { id, copy }] of storages.entries()) {
    if (id === bufferTier) throw optionError(`option 'storages[${index}].id': the buffer itself is called '${id}'`)
    if (copy.durability === 'none') {
      throw optionError(
        `option 'storages[${index}].durability' must be 'batch' or 'each': space is only released for what lasts`,
      )
    }
  }
}

function completeSpace(space: SpaceOptions): Required<{ [K in keyof SpaceOptions]: NonNullable<SpaceOptions[K]> }> {
  checkNames('Grimsel.open: space', space, spaceNames)
  const limit = checkFraction('space.limit', space.limit ?? 0.8, 0.01, 1)
  const lowWater = space.lowWater ?? Math.max(limit - 0.1, limit / 2)
  return {
    limit,
    lowWater: checkFraction('space.lowWater', lowWater, 0, limit, " (below 'space.limit')"),
    createLinks: checkBoolean('space.createLinks', space.createLinks ?? true),
  }
}

function checkFraction(name: string, value: unknown, least: number, below: number, why = ''): number {
  if (typeof value === 'number' && value >= least && value < below) return value
  throw optionError(
    `option '${name}' must be a fraction from ${least} to less than ${below}${why}, not ${inspect(value)}`,
  )
}

function completePolicy(policy: StoragePolicy | undefined): StoragePolicy {
  if (policy === undefined) return grimsel()
  if (typeof policy !== 'object' || policy === null || typeof policy.name !== 'string') {
    throw optionError("option 'policy' must be an object with a name, see docs/POLICIES.md")
  }
  checkNames(`policy '${policy.name}'`, policy, policyNames)
  return policy
}
