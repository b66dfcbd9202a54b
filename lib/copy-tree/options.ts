/** Defaults and checks of the options of `copyTree`. */
import { constants } from 'node:fs'
import { inspect } from 'node:util'
import type { ByteString } from '../bytes.js'
import { checkDurability, checkVerify, completePreserve } from '../copy-options.js'
import type { Engine } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { NativeCopyOptions, NativeTreeJob, Preserve, Strategy, Verify } from '../native.js'
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkNames,
  checkSignal,
  checkWord,
  optionError,
} from '../options.js'
import { bytesOfPath } from '../paths.js'
import type { CopyFilter, CopyTreeOptions } from './types.js'

/** Options with nothing left open. */
export interface CompleteOptions<P extends string | Uint8Array> {
  readonly recursive: boolean
  readonly dereference: boolean
  readonly verbatimSymlinks: boolean
  readonly existing: NativeTreeJob['existing']
  readonly copy: NativeCopyOptions
  readonly stopOnError: boolean
  readonly digests: boolean
  readonly manifest: ByteString | undefined
  readonly concurrency: number | undefined
  readonly engine: Engine | undefined
  readonly signal: AbortSignal | undefined
  readonly filter: CopyFilter<P> | undefined
  readonly onProgress: CopyTreeOptions['onProgress']
}

const optionNames = [
  'force',
  'overwrite',
  'clobber',
  'errorOnExist',
  'filter',
  'dereference',
  'verbatimSymlinks',
  'preserveTimestamps',
  'recursive',
  'mode',
  'verify',
  'durability',
  'strategy',
  'preserve',
  'concurrency',
  'engine',
  'signal',
  'onProgress',
  'manifest',
  'digests',
  'onError',
] as const satisfies (keyof CopyTreeOptions)[]

const strategies: readonly Strategy[] = ['auto', 'reflink', 'copy_file_range', 'sendfile', 'readwrite']

/**
 * Completes options, or a filter alone as fs-extra takes it.
 * @throws SustenError `ERR_SUSTEN_OPTION`, or `ERR_INCOMPATIBLE_OPTION_PAIR` as `fs.cp`
 */
export function completeOptions<P extends string | Uint8Array>(
  given: CopyTreeOptions<P> | CopyFilter<P>,
): CompleteOptions<P> {
  const options: CopyTreeOptions<P> = typeof given === 'function' ? { filter: given } : given
  checkNames('copyTree', options, optionNames)
  const flag = (name: 'errorOnExist' | 'dereference' | 'verbatimSymlinks' | 'recursive' | 'digests', usual: boolean) =>
    checkBoolean(name, options[name] ?? usual)

  const dereference = flag('dereference', false)
  const verbatimSymlinks = flag('verbatimSymlinks', false)
  if (dereference && verbatimSymlinks) {
    throw new SustenError("options 'dereference' and 'verbatimSymlinks' exclude each other", {
      code: 'ERR_INCOMPATIBLE_OPTION_PAIR',
    })
  }
  const force = completeForce(options)
  const errorOnExist = flag('errorOnExist', false)
  const strategy = completeStrategy(options)
  const verify = completeVerify(options, strategy)
  const digests = flag('digests', false)
  if (verify === 'none' && (digests || options.manifest !== undefined)) {
    const wants = digests ? 'digests' : 'manifest'
    throw optionError(`option '${wants}' needs digests, which verify: 'none' leaves out; leave 'verify' at 'inline'`)
  }
  if (options.engine !== undefined && options.concurrency !== undefined) {
    throw optionError("option 'concurrency' is for a call's own engine; with 'engine', that one's threads count")
  }
  return {
    recursive: flag('recursive', true),
    dereference,
    verbatimSymlinks,
    existing: force ? 'replace' : errorOnExist ? 'refuse' : 'skip',
    copy: {
      verify,
      durability: checkDurability('durability', options.durability),
      strategy,
      ...completePreserved(options),
    },
    stopOnError: checkWord('onError', options.onError ?? 'throw', ['throw', 'continue']) === 'throw',
    digests,
    manifest: options.manifest === undefined ? undefined : bytesOfPath(options.manifest, 'manifest'),
    concurrency:
      options.concurrency === undefined ? undefined : checkInteger('concurrency', options.concurrency, 1, 256),
    engine: options.engine === undefined ? undefined : checkEngine(options.engine),
    signal: options.signal === undefined ? undefined : checkSignal('signal', options.signal),
    filter: options.filter === undefined ? undefined : checkFunction('filter', options.filter),
    onProgress: options.onProgress === undefined ? undefined : checkFunction('onProgress', options.onProgress),
  }
}

function checkEngine(engine: Engine): Engine {
  if (typeof engine === 'object' && engine !== null && typeof engine.copyTree === 'function') return engine
  throw optionError(`option 'engine' must be an engine, as openEngine() gives it, not ${inspect(engine)}`)
}

/** The three names of one switch must agree. */
function completeForce(options: CopyTreeOptions<never>): boolean {
  const names = ['force', 'overwrite', 'clobber'] as const
  const given = names.filter((name) => options[name] !== undefined)
  const values = new Set(given.map((name) => checkBoolean(name, options[name])))
  if (values.size > 1) throw optionError(`options ${given.join(' and ')} are one switch; give one of them`)
  return !values.has(false)
}

function completeStrategy(options: CopyTreeOptions<never>): Strategy {
  const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants
  const mode = options.mode ?? 0
  if (!Number.isInteger(mode) || (mode & ~(COPYFILE_EXCL | COPYFILE_FICLONE | COPYFILE_FICLONE_FORCE)) !== 0) {
    throw optionError(`option 'mode' must be made of the COPYFILE_* flags of fs.constants, not ${inspect(mode)}`)
  }
  const strategy = options.strategy === undefined ? 'auto' : checkWord('strategy', options.strategy, strategies)
  if ((mode & COPYFILE_FICLONE_FORCE) === 0) return strategy
  if (options.strategy !== undefined && strategy !== 'reflink') {
    throw optionError(`option 'mode' asks for a clone with COPYFILE_FICLONE_FORCE, 'strategy' for ${strategy}`)
  }
  return 'reflink'
}

/** A digest on the way needs the bytes to pass by; where the kernel carries them, they can only be read again. */
function completeVerify(options: CopyTreeOptions<never>, strategy: Strategy): Verify {
  const passing = strategy === 'auto' || strategy === 'readwrite'
  const verify = checkVerify('verify', options.verify, passing ? 'inline' : 'readback')
  if (passing || verify !== 'inline') return verify
  throw optionError(
    `strategy '${strategy}' leaves the bytes to the kernel, so nothing can be verified inline; verify by 'readback' or not ('none')`,
  )
}

function completePreserved(options: CopyTreeOptions<never>): ReturnType<typeof completePreserve> {
  const preserve = completePreserve('copyTree: preserve', options.preserve ?? {})
  return { ...preserve, times: completeTimes(options, preserve.times) }
}

function completeTimes(options: CopyTreeOptions<never>, times: Preserve): Preserve {
  const short = options.preserveTimestamps
  if (short === undefined) return times
  const wanted = checkBoolean('preserveTimestamps', short) ? 'keep' : 'off'
  if (options.preserve?.times !== undefined && times !== wanted) {
    throw optionError(`option 'preserveTimestamps: ${short}' contradicts 'preserve.times'; give one of them`)
  }
  return wanted
}
