/** One soak, from its first file to its verdict. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callControl } from '#lib/control/index.js'
import { createRandom } from '../support/random.js'
import { createGrimsel, createTalker, type Talker, type Usage } from './children.js'
import { createConductor } from './conductor.js'
import { judge, type Verdict } from './judge.js'
import type {
  FromFurka,
  FromServer,
  FurkaCall,
  FurkaFigures,
  FurkaOrder,
  ServerFigures,
  ServerOrder,
  ServerPlan,
  ServerTruth,
  ToServer,
} from './messages.js'
import type { SoakOptions } from './options.js'
import { makePlace, type Place } from './place.js'
import { lineOf, type Report, reportOf } from './report.js'
import type { SoakUser } from './turns.js'

const plans: readonly ServerPlan[] = [
  { id: 'eiger18', version: '1.8.0', kind: 'eiger-2024' },
  { id: 'eiger16', version: '1.6.0', kind: 'eiger' },
  { id: 'cbf15', version: '1.5.0', kind: 'cbf' },
]

/** Milliseconds in which at least one file must be dealt with at the end, when nothing goes wrong any more. */
const PATIENCE = 120_000
const MiB = 1024 * 1024
/** The most that a process may ever have. */
const MOST = { memory: 700 * MiB, descriptors: 1200 }

interface Server extends Talker<ToServer, FromServer> {
  readonly plan: ServerPlan
  figures: ServerFigures | undefined
  tell(message: ToServer): Promise<void>
}

export async function runSoak(options: SoakOptions, root: string, print: (line: string) => void): Promise<Report> {
  const { minutes, files, seed } = options
  const random = createRandom(seed)
  const violations: string[] = []
  const blame = (text: string): void => {
    violations.push(text)
    if (violations.length <= 50) print(`VIOLATION ${text}`)
  }
  print(`seed ${seed}: ${files} files in ${minutes} min below ${root}`)
  const gigabytes = 2 + Math.ceil((files * 100) / MiB)
  using place = await makePlace(root, gigabytes)
  const began = performance.now()
  const haste = Math.min(12, Math.max(1, 24 / minutes))

  const grimsel = createGrimsel(place.config, place.control, blame)
  const servers = await Promise.all(plans.map((plan, index) => openServer(plan, index)))
  const furka = openFurka(place, servers, blame)

  async function openServer(plan: ServerPlan, index: number): Promise<Server & { readonly url: string }> {
    const order: ServerOrder = {
      ...plan,
      seed: seed + 1 + index,
      files: Math.ceil(files / plans.length),
      seconds: minutes * 60,
      pause: 4 / Math.sqrt(haste),
      storages: [join(place.internal, plan.id), join(place.external, plan.id)],
    }
    const talker = createTalker<ToServer, FromServer>(plan.id, './server-process.js', () => order, blame)
    const waiting: { readonly type: ToServer['type']; readonly done: () => void }[] = []
    let url = ''
    const server: Server = Object.assign(talker, {
      plan,
      figures: undefined,
      tell: (message: ToServer) =>
        new Promise<void>((done) => {
          waiting.push({ type: message.type, done })
          talker.send(message)
        }),
    })
    talker.onMessage((message) => {
      if (message.type === 'ready') url = message.url
      else if (message.type === 'figures') server.figures = message.figures
      else if (message.type === 'violation') blame(message.text)
      else {
        const at = waiting.findIndex(({ type }) => type === message.of)
        waiting.splice(at, 1)[0]?.done()
      }
    })
    talker.start()
    await talker.ready()
    return Object.assign(server, { url })
  }

  const tellServers = async (message: ToServer): Promise<void> => {
    await Promise.all(servers.map((server) => server.tell(message)))
  }
  const conductor = createConductor({
    place,
    random,
    furka,
    grimsel,
    tellServers,
    calm: (calm) => tellServers({ type: 'calm', calm }),
    haste,
  })

  const sampling = setInterval(() => {
    furka.sampler.sample(furka.pid)
    grimsel.sampler.sample(grimsel.pid)
    for (const server of servers) server.sampler.sample(server.pid)
  }, 5000)
  const now = () => ({ seconds: (performance.now() - began) / 1000, servers, furka, grimsel, conductor, violations })
  const telling = setInterval(() => print(lineOf(now())), 60_000)

  let verdict: Verdict | undefined
  try {
    grimsel.start()
    await grimsel.ready()
    furka.start()
    await furka.ready()
    await conductor.begin()
    await tellServers({ type: 'begin' })
    const end = performance.now() + minutes * 60_000
    await sleep(minutes * 60_000)
    const total = (): number => servers.reduce((sum, { figures }) => sum + (figures?.completed ?? 0), 0)
    // What was lost to pauses and a full memory is made up for.
    while (total() < files && performance.now() < end + minutes * 15_000) await sleep(500)
    await conductor.stop()
    await tellServers({ type: 'finish' })
    print(lineOf(now()))
    await settle()
    verdict = await check()
    await furka.call({ method: 'close' }, 30_000).catch((error: unknown) => blame(`Furka doesn't close: ${error}`))
    for (const worker of [furka, grimsel]) checkUsage(worker.sampler.usage, worker === furka ? 'Furka' : 'Grimsel')
  } finally {
    clearInterval(sampling)
    clearInterval(telling)
    await Promise.all([
      furka.stop('SIGKILL'),
      grimsel.stop('SIGTERM'),
      ...servers.map((server) => server.stop('SIGKILL')),
    ])
  }
  return reportOf({ ...now(), options, verdict })

  /** Until nothing is left at the servers, and nothing to be copied. */
  async function settle(): Promise<void> {
    let [least, since] = [Number.POSITIVE_INFINITY, performance.now()]
    for (;;) {
      await sleep(1000)
      const left = servers.reduce((sum, { figures }) => sum + (figures?.left ?? 0), 0)
      const pending = await pendingOf(place).catch(() => 1)
      if (left + pending === 0) break
      if (left + pending < least) [least, since] = [left + pending, performance.now()]
      if (performance.now() - since < PATIENCE) continue
      const names = servers.map(({ plan, figures }) => `${plan.id}: ${figures?.left} (${figures?.names})`)
      blame(`it stands still: ${pending} to be copied; at ${names}`)
      blame(`Furka: ${JSON.stringify(await furka.call({ method: 'status' }, 10_000).catch(String))}`)
      break
    }
    await furka.call({ method: 'idle' }, 60_000).catch((error: unknown) => blame(`Furka isn't idle: ${error}`))
    await sleep(1500)
    const { open = -1, failing = -1 } = furka.figures ?? {}
    if (open + failing !== 0) blame(`Furka has ${open} files in hand and ${failing} failing ones at the end`)
  }

  async function check(): Promise<Verdict> {
    const truths = new Map<string, ServerTruth>()
    mkdirSync(join(root, 'truth'), { recursive: true })
    for (const server of servers) {
      const path = join(root, 'truth', `${server.plan.id}.json`)
      await server.tell({ type: 'truth', path })
      const truth = JSON.parse(readFileSync(path, 'utf8')) as ServerTruth
      truths.set(server.plan.id, { ...truth, disturbed: [...truth.disturbed, ...furka.absences] })
    }
    // For whoever looks for the reason of a violation.
    writeFileSync(
      join(root, 'truth', 'turns.json'),
      JSON.stringify({ turns: conductor.turns, absences: furka.absences }),
    )
    const found = await judge({ internal: place.internal, external: place.external, turns: conductor.turns, truths })
    for (const text of found.violations) blame(text)
    return found
  }

  function checkUsage({ memory, descriptors }: Usage, name: string): void {
    if (memory > MOST.memory) blame(`${name} had ${Math.round(memory / MiB)} MiB`)
    if (descriptors > MOST.descriptors) blame(`${name} had ${descriptors} descriptors`)
  }
}

async function pendingOf({ control }: Place): Promise<number> {
  const { grimsel } = (await callControl(control, 'status')) as {
    readonly grimsel: { readonly storages: readonly { readonly pending: number; readonly failed: number }[] }
  }
  return grimsel.storages.reduce((sum, { pending, failed }) => sum + pending + failed, 0)
}

interface SoakFurka extends Talker<FurkaCall, FromFurka> {
  readonly figures: FurkaFigures | undefined
  /** Of all lives. */
  readonly messages: Readonly<Record<string, number>>
  /** When there was none. */
  readonly absences: readonly (readonly [from: number, to: number])[]
  call(call: Omit<FurkaCall, 'id'>, timeout: number): Promise<unknown>
  /** Until it has succeeded, whatever becomes of Furka meanwhile. */
  changeUser(user: SoakUser): Promise<void>
}

function openFurka(
  place: Place,
  servers: readonly { readonly plan: ServerPlan; readonly url: string }[],
  blame: (text: string) => void,
): SoakFurka {
  const order = (): FurkaOrder => ({
    sources: servers.map(({ plan: { id }, url }) => ({ id, url, target: `${place.buffer}/./${id}` })),
    journal: join(place.root, 'furka-journal'),
    control: place.control,
    mount: place.ramdisk,
  })
  const talker = createTalker<FurkaCall, FromFurka>('Furka', './furka-process.js', order, blame)
  const answers = new Map<number, (answer: Extract<FromFurka, { type: 'answer' }>) => void>()
  const messages: Record<string, number> = {}
  const absences: [number, number][] = []
  let ids = 0
  let figures: FurkaFigures | undefined

  talker.onMessage((message) => {
    if (message.type === 'ready') {
      const absence = absences.at(-1)
      if (absence !== undefined) absence[1] = Math.min(absence[1], Date.now() + 1000)
    } else if (message.type === 'figures') {
      for (const [code, count] of Object.entries(message.figures.messages)) {
        messages[code] = (messages[code] ?? 0) + count - (figures?.messages[code] ?? 0)
      }
      figures = message.figures
    } else if (message.type === 'error') blame(`Furka: ${message.text}`)
    else answers.get(message.id)?.(message)
  })

  async function call(call: Omit<FurkaCall, 'id'>, timeout: number): Promise<unknown> {
    await talker.ready()
    const id = ++ids
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${call.method} in ${timeout} ms`)), timeout)
      answers.set(id, ({ value, failure }) => {
        clearTimeout(late)
        answers.delete(id)
        if (failure === undefined) resolve(value)
        else reject(new Error(failure))
      })
      talker.send({ id, ...call })
    })
  }

  return {
    sampler: talker.sampler,
    ready: talker.ready,
    start: talker.start,
    send: talker.send,
    onMessage: talker.onMessage,
    messages,
    absences,
    call,
    get pid() {
      return talker.pid
    },
    get figures() {
      return figures
    },
    async stop(signal) {
      absences.push([Date.now() - 3000, Number.POSITIVE_INFINITY])
      figures = undefined
      await talker.stop(signal)
    },
    async changeUser(user) {
      for (;;) {
        try {
          await call({ method: 'changeUser', user }, 15_000)
          return
        } catch {
          // It was killed, or waits for sources that don't answer.
        }
      }
    },
  }
}
