/** The Furka of a soak, in a process that can be killed. */
import { Furka } from 'susten'
import { openSimplon } from '#lib/source/simplon/index.js'
import type { FromFurka, FurkaCall, FurkaFigures, FurkaOrder } from './messages.js'

const order = JSON.parse(process.argv[2] ?? '') as FurkaOrder
const say = (message: FromFurka): void => void process.send?.(message)

const furka = await Furka.open({
  sources: order.sources.map(({ id, url, target }) => ({
    source: openSimplon({ host: url, id, timeout: 4000, stall: 3000, poll: { longest: 2000 } }),
    target,
    stallTimeout: 3000,
  })),
  journal: order.journal,
  grimsel: { control: order.control },
  requiredMount: order.mount,
})

const counts = { received: 0, announced: 0, removed: 0 }
const messages: Record<string, number> = {}
furka.on('received', () => counts.received++)
furka.on('announced', () => counts.announced++)
furka.on('removed', () => counts.removed++)
furka.on('message', ({ code, count }) => {
  messages[code] = (messages[code] ?? 0) + count
})
furka.on('error', ({ error }) => say({ type: 'error', text: String(error) }))

function figures(): FurkaFigures {
  const { sources } = furka.status()
  const total = (of: (source: (typeof sources)[number]) => number): number =>
    sources.reduce((sum, source) => sum + of(source), 0)
  const open = total(
    ({ waiting, receiving, unannounced, unconfirmed, removing }) =>
      waiting + receiving + unannounced + unconfirmed + removing,
  )
  const slowest = sources.flatMap(({ latency }) => latency ?? []).sort((a, b) => b.p99 - a.p99)[0]
  return { ...counts, messages, open, failing: total(({ failing }) => failing), latency: slowest }
}

async function answer({ method, user = { uid: 0, gid: 0, userDirectory: '' } }: FurkaCall): Promise<unknown> {
  switch (method) {
    case 'changeUser':
      return furka.changeUser(user)
    case 'idle':
      return furka.idle()
    case 'status':
      return furka.status()
    case 'close':
      return furka.close()
  }
}

process.on('message', (call: FurkaCall) => {
  answer(call).then(
    (value) => {
      say({ type: 'answer', id: call.id, value })
      if (call.method === 'close') process.disconnect()
    },
    (error: unknown) => say({ type: 'answer', id: call.id, failure: String(error) }),
  )
})
const telling = setInterval(() => say({ type: 'figures', figures: figures() }), 1000)
process.on('disconnect', () => {
  clearInterval(telling)
  void furka.close('stop')
})
process.on('SIGTERM', () => {
  void furka.close().then(() => process.disconnect())
})
say({ type: 'ready' })
