/** The directories that targets begin at: each is watched once, and has one private directory beside it. */
import { type ByteString, textOfBytes } from '../bytes.js'
import { type Engine, openEngine } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { Target } from '../storage/index.js'
import type { Failure } from './core/index.js'
import { createStaging, type Staging } from './receive/index.js'
import { type TargetWatch, watchTarget } from './target-watch.js'

export interface TargetPlace {
  readonly root: ByteString
  readonly watch: TargetWatch
  readonly staging: Staging
}

export interface Targets {
  /** Of a target. */
  placeOf(target: Target): TargetPlace
  readonly all: readonly TargetPlace[]
  close(): Promise<void>
}

export interface TargetsOptions {
  readonly targets: readonly Target[]
  readonly requiredMount: ByteString | undefined
  /** Marks the private directories. */
  readonly tag: string
  /** Told at every look at a root. `changed`: another file system is mounted there than at the look before. */
  readonly onLook: (root: ByteString, failure: Failure | undefined, changed: boolean) => void
}

export function openTargets({ targets, requiredMount, tag, onLook }: TargetsOptions): Targets {
  // Looks at what is mounted wait for no file.
  const engine = openEngine({ threads: 1 })
  const places = new Map<ByteString, TargetPlace>()
  for (const { root } of targets) if (!places.has(root)) places.set(root, open(root))

  function open(root: ByteString): TargetPlace {
    const watch = watchTarget({
      root,
      requiredMount,
      onLook: (failure, changed) => onLook(root, failure, changed),
    })
    return { root, watch, staging: createStaging(root, tag, (path) => check(engine, watch, path)) }
  }

  return {
    placeOf({ root }) {
      const place = places.get(root)
      if (place === undefined) throw new RangeError(`${textOfBytes(root)} is no target`)
      return place
    },
    all: [...places.values()],
    async close() {
      await Promise.all([...places.values()].map(({ watch }) => watch.close()))
      await engine.close('cancel')
    },
  }
}

/** Throws unless what must be mounted is mounted there. */
async function check(engine: Engine, { identity }: TargetWatch, path: ByteString): Promise<void> {
  if (identity === undefined) return
  const volume = await engine.volume(`${path}/.` as ByteString)
  if (volume.identity === identity) return
  const text = `${textOfBytes(path)} isn't on the file system that must be mounted there`
  throw new SustenError(text, { code: 'ERR_SUSTEN_STORAGE', syscall: 'mount', path: textOfBytes(path) })
}
