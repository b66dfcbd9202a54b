/** The thread of {@link createMaker}. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { type FileBuilder, openSeries } from '../build.js'
import { loadDigester } from '../digest.js'
import { brightnessFor } from '../exposure.js'
import { loadHdf5 } from '../hdf5.js'
import type { Series } from '../series.js'
import type { MakerAnswer, MakerCommand, MakerOptions } from './maker.js'

if (parentPort === null) throw new Error('maker-thread.js runs as a worker thread only')
const port = parentPort
// A real detector has computers of its own: this one takes what processor time the others leave. On Linux, 0 means
// this thread alone.
setPriority(0, 10)
const { digests } = workerData as MakerOptions
const digestOf = await loadDigester(digests, (bytes) => createHash('sha256').update(bytes).digest('hex'))
const hdf5 = await loadHdf5()
const builders = new Map<number, FileBuilder>()
/** By what it depends on: it takes a while, and series are much alike. */
const brightness = new Map<string, number>()

port.on('message', (command: MakerCommand) => {
  if (command.type === 'open') builders.set(command.job, open(command.series, command.ratio))
  else if (command.type === 'close') builders.delete(command.job)
  else answer(command.id, () => make(command))
})

/** Prepared when the first file is asked for: a failure is then told. */
function open(series: Series, ratio: number | undefined): FileBuilder {
  let build: FileBuilder | undefined
  return (file) => {
    build ??= openSeries(exposed(series, ratio), hdf5)
    return build(file)
  }
}

function exposed(series: Series, ratio: number | undefined): Series {
  if (ratio === undefined) return series
  const { detector, experiment } = series
  const key = JSON.stringify([detector, experiment, ratio])
  const found = brightness.get(key) ?? brightnessFor(detector, experiment, ratio)
  brightness.set(key, found)
  return { ...series, experiment: { ...experiment, brightness: found } }
}

function make({ job, file }: Extract<MakerCommand, { type: 'make' }>): Uint8Array {
  const build = builders.get(job)
  if (build === undefined) throw new Error(`series ${job} isn't open`)
  return build(file)
}

function answer(id: number, work: () => Uint8Array): void {
  try {
    const made = work()
    // A buffer of its own, which can be handed over.
    const bytes = made.byteLength === made.buffer.byteLength && !(made instanceof Buffer) ? made : new Uint8Array(made)
    const digest = digestOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    const message = { id, bytes: bytes as Uint8Array<ArrayBuffer>, digest } satisfies MakerAnswer
    port.postMessage(message, [message.bytes.buffer])
  } catch (error) {
    port.postMessage({ id, failure: error instanceof Error ? error.message : String(error) } satisfies MakerAnswer)
  }
}
