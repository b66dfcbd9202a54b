/** `susten simulate dcu`: a detector server to try things out on. docs/SIMULATOR.md describes it. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { jsonLine } from '../json-lines.js'
import { apiVersions, type Dcu, readScript, runScript, simulateDcu } from '../simulate/dcu/index.js'
import { eiger, pilatus } from '../simulate/index.js'
import { type Arguments, type Command, CommandError, type Streams, UsageError } from './command.js'
import { unreadable } from './unreadable.js'

type Values = Arguments['values']

export const simulateDcuCommand: Command = {
  name: ['simulate', 'dcu'],
  summary: 'serve the API and the files of a simulated detector',
  usage: '[OPTION]…',
  help: `Serves what a DECTRIS detector server does (SIMPLON API: detector, file writer, /data/),
with files that are really made, until it is interrupted. docs/SIMULATOR.md has the
endpoints, the faults, and where it differs from a real one.

Options:
  --api VERSION           ${apiVersions.join(', ')} (default: 1.8.0)
  --host ADDRESS          to listen at (default: 127.0.0.1)
  --port PORT             0 takes a free one (default: 8080)
  --admin-port PORT       where faults are ordered and the truth is told; 0 takes a
                          free one (default: none)
  --detector NAME         eiger writes HDF5, pilatus CBF (default: eiger)
  --width PIXELS, --height PIXELS
                          default: EIGER2 500K, PILATUS3 300K
  --bits 16|32            of an EIGER's pixels (default: 16)
  --rate IMAGES           images a second (default: 100)
  --images N              a trigger (default: 100)
  --triggers N            a series (default: 1)
  --images-per-file N     0: all in the master (default: 100)
  --format NAME           legacy or v2024.2 (default: legacy)
  --compression-ratio X   how many times smaller an EIGER's images become (default: 1)
  --variety N             different images in a series, after which they repeat; 0: all
                          differ (default: 0)
  --name PATTERN          of files; $id becomes the series' number (default: series_$id)
  --memory SIZE           of the server, with K, M or G (default: 1G)
  --series N              take so many series by itself, one after the other; 0: wait
                          for orders (default: 0)
  --pause SECONDS         between them (default: 1)
  --script FILE           faults and other events, at given seconds
  --seed N                same seed, same images and chances (default: 1)
  --json                  tell of files and series as lines of JSON`,
  options: {
    api: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
    'admin-port': { type: 'string' },
    detector: { type: 'string' },
    width: { type: 'string' },
    height: { type: 'string' },
    bits: { type: 'string' },
    rate: { type: 'string' },
    images: { type: 'string' },
    triggers: { type: 'string' },
    'images-per-file': { type: 'string' },
    format: { type: 'string' },
    'compression-ratio': { type: 'string' },
    variety: { type: 'string' },
    name: { type: 'string' },
    memory: { type: 'string' },
    series: { type: 'string' },
    pause: { type: 'string' },
    script: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run({ values, positionals }, streams) {
    if (positionals.length > 0) throw new UsageError(`no argument is needed, not '${positionals.join(' ')}'`)
    const script = await scriptOf(values)
    const series = numberOf(values, 'series', 0)
    const pause = numberOf(values, 'pause', 1)
    await using dcu = await start(values)
    const over = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort())
    await tell(dcu, values['json'] === true, streams)
    const warn = (error: unknown): void => void streams.warn(error instanceof Error ? error.message : String(error))
    const running = Promise.all([
      runScript(dcu, script, { signal: over.signal, onError: warn }),
      takeSeries(dcu, series, pause, over.signal).catch(warn),
    ])
    await new Promise((resolve) => over.signal.addEventListener('abort', resolve, { once: true }))
    await dcu.close()
    await running
    await streams.out.end()
    return 0
  },
}

async function scriptOf({ script }: Values): Promise<ReturnType<typeof readScript>> {
  if (typeof script !== 'string') return []
  const text = await readFile(script, 'utf8').catch((error: unknown) => {
    throw new CommandError(unreadable('script', script, error), { exitCode: 1, cause: error })
  })
  return readScript(script, text)
}

function start(values: Values): Promise<Dcu> {
  const size = {
    ...(values['width'] !== undefined && { width: numberOf(values, 'width', 0) }),
    ...(values['height'] !== undefined && { height: numberOf(values, 'height', 0) }),
  }
  const name = oneOf(values, 'detector', ['eiger', 'pilatus'])
  const bitDepth = oneOf(values, 'bits', ['16', '32']) === '32' ? 32 : 16
  const host = values['host']
  const pattern = values['name']
  return simulateDcu({
    version: oneOf(values, 'api', apiVersions, '1.8.0'),
    ...(typeof host === 'string' && { host }),
    port: numberOf(values, 'port', 8080),
    ...(values['admin-port'] !== undefined && { adminPort: numberOf(values, 'admin-port', 0) }),
    detector: name === 'eiger' ? eiger({ ...size, bitDepth }) : pilatus(size),
    experiment: { frameTime: 1 / numberOf(values, 'rate', 100) },
    images: numberOf(values, 'images', 100),
    triggers: numberOf(values, 'triggers', 1),
    imagesPerFile: numberOf(values, 'images-per-file', 100),
    format: oneOf(values, 'format', ['legacy', 'v2024.2']),
    compressionRatio: numberOf(values, 'compression-ratio', 1),
    variety: numberOf(values, 'variety', 0),
    ...(typeof pattern === 'string' && { namePattern: pattern }),
    memory: sizeOf(values['memory'] ?? '1G'),
    seed: numberOf(values, 'seed', 1),
  })
}

async function tell(dcu: Dcu, asJson: boolean, { out }: Streams): Promise<void> {
  const { url, adminUrl, version } = dcu
  const print = async (line: string): Promise<void> => {
    await out.write(line)
    await out.end()
  }
  if (!asJson) {
    await print(`SIMPLON ${version} at ${url}${adminUrl === undefined ? '' : `, admin at ${adminUrl}`}\n`)
    return
  }
  await print(jsonLine({ type: 'listening', url, adminUrl, version }))
  for (const type of ['series', 'file', 'gone', 'dropped'] as const) {
    dcu.on(type, (event) => print(jsonLine({ type, ...event })))
  }
}

async function takeSeries(dcu: Dcu, count: number, pause: number, signal: AbortSignal): Promise<void> {
  for (let taken = 0; taken < count && !signal.aborted; taken++) {
    if (taken > 0) await sleep(pause * 1000, undefined, { signal }).catch(() => {})
    if (!signal.aborted) await dcu.acquire()
  }
}

function numberOf(values: Values, name: string, usual: number): number {
  const text = values[name]
  if (text === undefined) return usual
  const number = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
  if (Number.isFinite(number) && number >= 0) return number
  throw new UsageError(`--${name} must be a number, not '${text}'`)
}

/** The first of the words is the usual one, if none is named. */
function oneOf<W extends string>(values: Values, name: string, words: readonly W[], usual = words[0]): W {
  const text = values[name] ?? usual
  const found = words.find((word) => word === text)
  if (found !== undefined) return found
  throw new UsageError(`--${name} must be ${words.join(' or ')}, not '${text}'`)
}

function sizeOf(text: string | boolean): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(String(text)) ?? []
  if (digits === undefined) throw new UsageError(`--memory must be a size, as in 512M, not '${text}'`)
  return Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ')
}
