/** Who copies. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * How a contender is run and timed:
 * - `external`: a program; timed from its start to its end, less what starting any program takes;
 * - `in-process`: a library in a fresh Node; only the call is timed, and the event loop watched meanwhile;
 * - `ceiling`: the bare C++ loops of `native/raw.cc`; they time themselves.
 *
 * @typedef {'external' | 'in-process' | 'ceiling'} Kind
 */

/**
 * @typedef {object} Contender
 * @property {string} name For `--contenders` and in the results.
 * @property {string} label For people.
 * @property {Kind} kind
 * @property {'ours' | 'peer' | 'ceiling'} side
 * @property {boolean} durable Ends with the data on stable storage.
 * @property {(src: string, dest: string, loop: Loop | undefined) => string[]} command
 * @property {() => string | undefined} version Undefined if not installed.
 * @property {Loop[]} [loops] Ceilings: what to choose the best from.
 */

/** A raw loop and its buffer. @typedef {{ loop: string, buffer: number }} Loop */

const KiB = 1024

/** What a program says of itself; undefined if it isn't installed. @param {string} command @param {RegExp} pattern */
export function programVersion(command, pattern) {
  const { stdout, error } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  return error ? undefined : (pattern.exec(stdout)?.[1] ?? 'unknown version')
}

/** @param {string} manifest Path of a package.json below the repository. */
function packageVersion(manifest) {
  try {
    const text = readFileSync(join(import.meta.dirname, '..', manifest), 'utf8')
    return /** @type {{ version: string }} */ (JSON.parse(text)).version
  } catch {
    return undefined
  }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} program
 * @param {RegExp} version
 * @param {(src: string, dest: string) => string[]} command
 * @param {boolean} [durable]
 * @returns {Contender}
 */
const external = (name, label, program, version, command, durable = false) => ({
  name,
  label,
  kind: 'external',
  side: 'peer',
  durable,
  command,
  version: () => programVersion(program, version),
})

/**
 * @param {string} name
 * @param {string} label
 * @param {'ours' | 'peer'} side
 * @param {string} library One that `in-process.mjs` knows.
 * @param {object} options Handed to the library's copy function.
 * @param {() => string | undefined} version
 * @param {boolean} [durable]
 * @returns {Contender}
 */
const inProcess = (name, label, side, library, options, version, durable = false) => ({
  name,
  label,
  kind: 'in-process',
  side,
  durable,
  command: (src, dest) => [
    process.execPath,
    join(import.meta.dirname, 'in-process.mjs'),
    library,
    src,
    dest,
    JSON.stringify(options),
  ],
  version,
})

/** @param {'none' | 'inline'} verify @param {'none' | 'batch'} durability */
const susten = (verify, durability) =>
  inProcess(
    `susten-${verify}-${durability}`,
    `susten, verify ${verify}, durability ${durability}`,
    'ours',
    'susten',
    { verify, durability },
    () => packageVersion('package.json'),
    durability !== 'none',
  )

const kernelLoops = ['sendfile', 'copy_file_range'].flatMap((loop) =>
  [256 * KiB, 1024 * KiB, 1024 * 1024 * KiB].map((buffer) => ({ loop, buffer })),
)
const digestLoops = [32, 64, 128, 256, 1024].map((size) => ({ loop: 'readwrite', buffer: size * KiB }))

/**
 * @param {string} name
 * @param {string} label
 * @param {Loop[]} loops
 * @param {string} raw The compiled `native/raw.cc`.
 * @param {boolean} [durable]
 * @returns {Contender}
 */
const ceiling = (name, label, loops, raw, durable = false) => ({
  name,
  label,
  kind: 'ceiling',
  side: 'ceiling',
  durable,
  loops,
  version: () => 'bench/native/raw.cc',
  command: (src, dest, loop) => [
    raw,
    src,
    dest,
    ...(loop ? ['--loop', loop.loop, '--buffer', String(loop.buffer)] : []),
    ...(durable ? ['--sync'] : []),
  ],
})

/**
 * All of them. Peers run as their manuals tell for copying a whole tree: `cp` and `rsync` keep owner, mode and times;
 * fs.cp, fs-extra and rclone keep what they keep by default, which is less work than ours.
 *
 * @param {string} raw The compiled `native/raw.cc`.
 * @returns {Contender[]}
 */
export const copyContenders = (raw) => [
  susten('none', 'none'),
  susten('inline', 'none'),
  susten('none', 'batch'),
  susten('inline', 'batch'),
  external('cp', 'cp -a', 'cp', /cp \(GNU coreutils\) (\S+)/, (src, dest) => ['cp', '-a', src, dest]),
  external(
    'cp-sync',
    'cp -a, then sync -f',
    'cp',
    /cp \(GNU coreutils\) (\S+)/,
    (src, dest) => ['sh', '-c', 'cp -a "$1" "$2" && sync -f "$2"', 'sh', src, dest],
    true,
  ),
  external('rsync', 'rsync -a', 'rsync', /version (\S+)/, (src, dest) => ['rsync', '-a', `${src}/`, dest]),
  external('rclone', 'rclone copy', 'rclone', /rclone (\S+)/, (src, dest) => [
    'rclone',
    'copy',
    '--config=/dev/null',
    src,
    dest,
  ]),
  inProcess('fs.cp', 'fs.promises.cp', 'peer', 'fs.cp', { recursive: true }, () => process.version),
  inProcess('fs-extra', 'fs-extra copy', 'peer', 'fs-extra', {}, () =>
    packageVersion('node_modules/fs-extra/package.json'),
  ),
  ceiling('raw-kernel', 'raw in-kernel copy, 2 threads', kernelLoops, raw),
  ceiling('raw-digest', 'raw read/write + XXH3-128, 2 threads', digestLoops, raw),
  ceiling('raw-digest-sync', 'raw read/write + XXH3-128, 2 threads, syncfs', digestLoops, raw, true),
]
