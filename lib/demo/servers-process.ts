/** The process of {@link startServers}: detector servers, and who tells the detectors what to measure. */
import { createMaker, type Dcu, type Maker, simulateDcu } from '../simulate/dcu/index.js'
import { describeSeries, eiger, filesOf } from '../simulate/index.js'
import type { PlannedDetector } from './plan.js'
import type { News, Order, ServerTruth } from './servers.js'

interface Server {
  readonly planned: PlannedDetector
  readonly dcu: Dcu
}

/** Milliseconds by which detectors may be late. */
const SLACK = 1000

const servers: Server[] = []
let goOn = (): void => {}
const secondTurn = new Promise<void>((resolve) => {
  goOn = resolve
})

function tell(news: News): void {
  if (process.connected) process.send?.(news, undefined, undefined, () => {})
}

async function open({ detectors, digests }: Order & { type: 'open' }): Promise<void> {
  const maker = createMaker({ digests })
  await warmUp(maker)
  for (const [detector, planned] of detectors.entries()) {
    const { version, detector: kind, imagesPerFile, namePattern, memory, seed } = planned
    const dcu = await simulateDcu({ version, detector: kind, imagesPerFile, namePattern, memory, seed, maker })
    dcu.on('file', (file) => tell({ type: 'completed', detector, file: { ...file }, at: process.hrtime.bigint() }))
    dcu.on('gone', (file) => tell({ type: 'removed', detector, file: { ...file }, at: process.hrtime.bigint() }))
    servers.push({ planned, dcu })
  }
  tell({ type: 'open', urls: servers.map(({ dcu }) => dcu.url) })
}

/** The first file takes long: libhdf5 has to be loaded. Then the detectors begin in time. */
async function warmUp(maker: Maker): Promise<void> {
  const series = describeSeries({ detector: eiger({ width: 8, height: 8 }), name: 'warm-up', images: 1 })
  const files = maker.open(series, undefined)
  for (const file of filesOf(series)) await files.make(file)
  files.close()
}

async function measure(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000 + SLACK
  let measuring = servers.filter(({ planned }) => planned.waits).length
  await Promise.all(
    servers.map(async ({ planned, dcu }) => {
      for (const [turn, { series, frameTime }] of planned.turns.entries()) {
        if (turn > 0 && planned.waits) {
          if (--measuring === 0) tell({ type: 'turn over' })
          await secondTurn
        }
        for (const [index, images] of series.entries()) {
          if (index === 0 || performance.now() < end) await dcu.acquire({ images, frameTime })
        }
      }
    }),
  )
  tell({ type: 'done' })
}

function truthOf({ dcu }: Server): ServerTruth {
  const { completed, dropped, deletes } = dcu.truth
  return {
    completed: completed.map((file) => ({ ...file })),
    dropped: dropped.map(({ name }) => name),
    deletes: deletes.length,
  }
}

async function obey(order: Order): Promise<void> {
  if (order.type === 'open') await open(order)
  else if (order.type === 'measure') await measure(order.seconds)
  else if (order.type === 'go on') goOn()
  else tell({ type: 'truth', servers: servers.map(truthOf) })
}

// Ctrl-C goes to all processes of a terminal. The one that started this one decides when it ends.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
process.on('disconnect', () => process.exit())
process.on('message', (order) => {
  obey(order as Order).catch((error: unknown) =>
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
  )
})
