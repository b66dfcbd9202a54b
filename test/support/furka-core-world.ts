/** A world around Furka's core: a server, a buffer, a Grimsel and a journal, all of which fail. Driven by a seed. */
import assert from 'node:assert/strict'
import type { ByteString } from '#lib/bytes.js'
import {
  type Command,
  type CoreConfig,
  type CoreEvent,
  createState,
  decide,
  type FileRecord,
  fileKeys,
  type Held,
  type Here,
  heldKeys,
  isIdle,
  type Reservation,
  reservedKeys,
  type State,
  type Turn,
  turnsKey,
} from '#lib/furka/core/index.js'
import type { Confirm } from '#lib/furka/types.js'
import { createRandom, type Random } from './random.js'

interface Remote {
  readonly version: string
  readonly content: string
  seen: number
  /** The version out of which it has grown. */
  readonly from?: string | undefined
}

/** A file that isn't whole yet. */
interface Written {
  readonly server: string
  size: number
  /** Undefined: not seen since the start. */
  seen: number | undefined
  /** When it was last told that it is there. */
  told: number
  /** Users to whom it may belong. */
  may: number[]
}

interface Known {
  readonly content: string
  state: 'pending' | 'durable' | 'failed'
}

type Order<T extends Command['type']> = Extract<Command, { type: T }>

/** What a history is like. */
export interface WorldOptions {
  readonly seed: number
  readonly confirm: Confirm
  readonly grimsel: CoreConfig['grimsel']
  /** Versions tell contents apart. */
  readonly exact: boolean
  /** The machine may fail too: the buffer's content and what isn't durable is gone then. */
  readonly powerCuts: boolean
  /** Grimsel and the confirm tier are others after some restarts. */
  readonly reconfigured?: boolean
}

/** Runs a history of so many steps, then heals everything and lets it come to its end. Throws where a rule is broken. */
export function runHistory(options: WorldOptions, steps: number): void {
  const world = createWorld(options)
  for (let step = 0; step < steps; step++) world.step()
  world.finish()
}

const failure = (code: string) => ({ code, errno: 0, syscall: 'test', text: code })
const nobody = { uid: 0, gid: 0, userDirectory: '' }

function createWorld({ seed, confirm, grimsel, exact, powerCuts, reconfigured = false }: WorldOptions) {
  const random: Random = createRandom(seed)
  let config: CoreConfig = {
    sources: ['a', 'b'].map((id) => ({ id, target: '/ram', connections: 3 })),
    grimsel,
    grimselPlace: '/run/grimsel',
    confirm,
  }
  const servers = new Map([
    ['a', new Map<string, Remote>()],
    ['b', new Map<string, Remote>()],
  ])
  const up = new Map([
    ['a', true],
    ['b', true],
  ])
  /** Contents that a server completed, and those that it lost by itself. */
  const completed = new Set<string>()
  const lost = new Set<string>()
  /** Contents that were written by a process that ended before it could note that. */
  const untold = new Set<string>()
  const written = new Map<string, Written>()
  const buffer = new Map<string, string>()
  const durable = new Set<string>()
  const known = new Map<string, Known>()
  let grimselUp = true
  let grimselTurn = 0
  let targetFails = false
  let healed = false
  let now = 1_000_000
  let counter = 0
  let process = 0
  /** What was offered since the start, and neither removed nor withdrawn. */
  const told = new Set<string>()
  /** Removals under way: seqs, and where. There may be two of a name, if another version came meanwhile. */
  const removing = new Map<number, string>()
  const isRemoving = (key: string): boolean => [...removing.values()].includes(key)
  const owners = new Map<string, number[]>()
  /** Of users, in order; each has a turn. */
  const users = [0]
  const owner = (): number => users.at(-1) ?? 0

  // ---- The journal: durable in order, some time later ---------------------------------------------------------------
  const stored = new Map<string, string>()
  let unwritten: { readonly ops: Order<'journal'>['ops'] }[] = []
  let state: State
  let results: {
    readonly at: number
    readonly process: number
    readonly run: () => void
    readonly effect: () => unknown
  }[] = []

  /** @param effect What of it happens even if nobody hears of it. */
  const later = (run: () => void, effect = (): unknown => undefined, most = 40): void => {
    results.push({ at: now + 1 + random.below(most), process, run, effect })
  }
  const chance = (probability: number): boolean => !healed && random.chance(probability)

  function post(event: CoreEvent): void {
    for (const command of decide(state, [event])) carryOut(command)
  }

  function start(): void {
    process += 1
    told.clear()
    removing.clear()
    results = results.filter((result) => result.process === -1)
    unwritten = []
    const kept = (prefix: string): [string, unknown][] =>
      [...stored].flatMap(([key, json]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), JSON.parse(json)]] : [],
      )
    const files = kept(fileKeys).map(([, record]) => record as FileRecord)
    const reserved = kept(reservedKeys).map(([, record]) => record as Reservation)
    const held = new Map(kept(heldKeys) as [string, Held][])
    const turns = JSON.parse(stored.get(turnsKey) ?? '[]') as Turn[]
    state = createState(config, now, { turns, files, reserved, held }, nobody)
    post({ type: 'tick', at: now })
    const gone = files.filter(({ here, safe }) => here && safe === undefined && !buffer.has(here.path))
    post({ type: 'missing', at: now, seqs: gone.map(({ seq }) => seq) })
    for (const { seq, here, announced } of files) {
      const also = here && !announced ? besides(here.path) : []
      if (also.length > 0) post({ type: 'beside', at: now, seq, also })
    }
    for (const id of servers.keys()) if (up.get(id)) appear(id)
  }

  const besides = (path: string, itself = false) =>
    [...buffer.keys()].filter((one) => one.startsWith(`${path}.~`) || (itself && one === path)) as ByteString[]

  /** A source is there, and offers all that it has. */
  function appear(id: string): void {
    post({ type: 'source', at: now, source: id, available: true })
    for (const file of written.values()) {
      if (file.server !== id || file.seen !== undefined) continue
      file.seen = now
      // It may be another one by then.
      if (now - file.told > 30_000) file.may.push(owner())
    }
    for (const key of told) {
      const [source, name = ''] = key.split('/')
      if (source === id && !servers.get(id)?.has(name)) withdraw(id, name)
    }
    for (const name of servers.get(id)?.keys() ?? []) offer(id, name, true)
  }

  function withdraw(id: string, name: string): void {
    told.delete(`${id}/${name}`)
    post({ type: 'withdrawn', at: now, source: id, name, version: 'whatever' })
  }

  function offer(id: string, name: string, anew: boolean): void {
    const remote = servers.get(id)?.get(name)
    if (remote === undefined || !up.get(id)) return
    if (anew) remote.seen = now
    noteOwners(id, name, remote, anew)
    told.add(`${id}/${name}`)
    const { version, content, seen } = remote
    const path = name as ByteString
    post({ type: 'offered', at: now, source: id, offer: { name, path, version, exact, size: content.length, seen } })
  }

  /** Whose a version may be that is offered now. */
  function noteOwners(id: string, name: string, { version, content, from }: Remote, anew: boolean): void {
    const keyOf = (one: string) => `${id}/${name}/${one}`
    const known = state.sources.get(id)?.files.get(name)
    const before = owners.get(keyOf(version)) ?? []
    if (known?.record.offer.version === version) return
    const { at = 0, turn, offer } = known?.record ?? {}
    const isLarger = content.length > (offer?.size ?? content.length)
    // By a source that has just been opened, what has grown can't be told from other content that is larger.
    const wasOpened = known !== undefined && known.seen === undefined && isLarger && now - at <= 60_000
    const former = wasOpened ? state.turns.find(({ number }) => number === turn)?.user.uid : undefined
    const hasGrown = from !== undefined && (!anew || (wasOpened && offer?.version === from))
    const may = hasGrown ? (owners.get(keyOf(from)) ?? []) : former === undefined ? [owner()] : [owner(), former]
    owners.set(keyOf(version), [...before, ...may])
  }

  // ---- Commands -----------------------------------------------------------------------------------------------------

  function carryOut(command: Command): void {
    switch (command.type) {
      case 'journal': {
        unwritten.push(command)
        later(
          () => {
            // What was handed over before is durable too.
            const upTo = unwritten.indexOf(command)
            const written = unwritten.splice(0, upTo + 1)
            for (const { ops } of written) write(ops)
            const ops = written.reduce((sum, one) => sum + one.ops.length, 0)
            if (ops > 0) post({ type: 'journaled', at: now, ops })
          },
          undefined,
          10,
        )
        break
      }
      case 'receive':
        for (const file of command.files) {
          later(
            () => receive(command.source, file),
            () => takeIn(command.source, file),
          )
        }
        break
      case 'seek':
        for (const { seq, offer, user } of command.files) {
          const path = `/ram/./u${user.uid}/${command.source}/${offer.name}`
          later(() => {
            if (chance(0.1)) post({ type: 'seekFailed', at: now, seq, failure: failure('EIO') })
            else post({ type: 'sought', at: now, seq, also: besides(path, true) })
          })
        }
        break
      case 'verify':
        for (const {
          seq,
          offer: { name },
          here,
        } of command.files) {
          later(() => {
            const remote = servers.get(command.source)?.get(name)
            if (!up.get(command.source) || chance(0.1)) {
              post({ type: 'verifyFailed', at: now, seq, failure: failure('ECONNRESET') })
            } else post({ type: 'verified', at: now, seq, outcome: compared(remote, here) })
          })
        }
        break
      case 'announce':
        later(() => announce(command))
        break
      case 'tellUser':
        checkOrder(command.turn)
        later(() => {
          const works = grimselUp && !chance(0.1)
          if (works || (grimselUp && chance(0.5))) grimselTurn = command.turn.number
          if (works) post({ type: 'userTold', at: now, turn: command.turn.number })
          else post({ type: 'grimselFailed', at: now, call: 'tellUser', seqs: [], failure: failure('ECONNREFUSED') })
        })
        break
      case 'ask':
        later(() => ask(command))
        break
      case 'remove':
        for (const {
          seq,
          offer: { name, version },
        } of command.files) {
          checkRemoval(command.source, seq, name, version)
          removing.set(seq, `${command.source}/${name}`)
          later(() => remove(command.source, seq, name, version))
        }
        break
      case 'wake':
      case 'tell':
        break
    }
  }

  const compared = (remote: Remote | undefined, here: Here) =>
    remote === undefined ? 'gone' : remote.content === here.digest ? 'same' : 'different'

  function write(ops: Order<'journal'>['ops']): void {
    for (const { key, value } of ops) {
      if (value === undefined) stored.delete(key)
      else stored.set(key, JSON.stringify(value))
    }
  }

  /** What is written, whether or not anybody hears of it. */
  function takeIn(id: string, { offer: { name }, user }: Order<'receive'>['files'][number]) {
    const remote = servers.get(id)?.get(name)
    if (remote === undefined) return undefined
    const path = `/ram/./u${user.uid}/${id}/${name}`
    const before = buffer.get(path)
    const isOther = before !== undefined && before !== remote.content
    const kept = isOther ? `${path}.~${++counter}~` : undefined
    if (kept !== undefined) buffer.set(kept, before as string)
    buffer.set(path, remote.content)
    const outcome = isOther ? 'versioned' : before === undefined ? 'created' : 'replaced'
    const { content: digest } = remote
    const here = { path: path as ByteString, size: digest.length, digest, received: now }
    return { outcome, here: kept === undefined ? here : { ...here, version: kept as ByteString } } as const
  }

  function receive(id: string, order: Order<'receive'>['files'][number]): void {
    const { seq, offer, user, again } = order
    const { name, version } = offer

    const remote = servers.get(id)?.get(name)
    const fail = (side: 'source' | 'target', code: string, gone = false): void =>
      post({
        type: 'receiveFailed',
        at: now,
        seq,
        side,
        gone,
        failure: failure(code),
        ...(again ? { also: besides(path, gone) } : {}),
      })
    const path = `/ram/./u${user.uid}/${id}/${name}`
    if (!up.get(id) || chance(0.1)) return fail('source', 'ECONNRESET')
    if (targetFails) return fail('target', 'ENOSPC')
    if (chance(0.05)) return fail('target', 'EACCES')
    if (remote === undefined) return fail('source', 'ENOENT', true)
    if (remote.version !== version && chance(0.5)) return fail('source', 'ERR_SUSTEN_CHANGED')
    checkOwner(id, name, version, user.uid)
    const taken = takeIn(id, order)
    if (taken === undefined) return
    post({ type: 'received', at: now, seq, ...taken, ...(again ? { also: besides(path) } : {}) })
  }

  function announce({ files }: Order<'announce'>): void {
    const works = grimselUp && !chance(0.1)
    // It may have taken them although its answer was lost.
    if (works || (grimselUp && chance(0.5))) {
      for (const { paths, seq } of files) {
        checkTurn(seq)
        for (const path of paths) {
          const content = buffer.get(path)
          known.set(path, { content: content ?? '', state: content === undefined ? 'failed' : 'pending' })
        }
      }
    }
    const seqs = files.map(({ seq }) => seq)
    if (works) post({ type: 'announced', at: now, seqs, refused: [] })
    else post({ type: 'grimselFailed', at: now, call: 'announce', seqs, failure: failure('ECONNREFUSED') })
  }

  function ask({ files }: Order<'ask'>): void {
    if (!grimselUp || chance(0.1)) {
      const seqs = files.map(({ seq }) => seq)
      post({ type: 'grimselFailed', at: now, call: 'ask', seqs, failure: failure('ECONNREFUSED') })
      return
    }
    const answers = files.map(({ seq, here: { path, digest } }) => {
      const entry = known.get(path)
      const isSame = entry?.content === digest
      const answer =
        entry === undefined
          ? ('unknown' as const)
          : entry.state === 'durable' && !isSame
            ? ('different' as const)
            : entry.state
      return { seq, answer, present: buffer.has(path) }
    })
    post({ type: 'answered', at: now, answers })
  }

  function remove(id: string, seq: number, name: string, version: string): void {
    const server = servers.get(id)
    const remote = server?.get(name)
    removing.delete(seq)
    if (!up.get(id) || chance(0.1)) {
      // It may have been removed although the answer was lost.
      if (remote?.version === version && chance(0.3)) server?.delete(name)
      post({ type: 'removeFailed', at: now, seq, failure: failure('ECONNRESET') })
      return
    }
    if (chance(0.1)) post({ type: 'removeLater', at: now, seq, after: 50 })
    else if (chance(0.02)) post({ type: 'removeRefused', at: now, seq, reason: 'read-only' })
    else if (remote === undefined) {
      told.delete(`${id}/${name}`)
      post({ type: 'removed', at: now, seq, outcome: 'gone' })
    } else if (remote.version !== version) post({ type: 'removed', at: now, seq, outcome: 'changed' })
    else if (chance(0.05)) {
      // A look that was wrong. The source offers what it has anew.
      post({ type: 'removed', at: now, seq, outcome: 'changed' })
      offer(id, name, true)
    } else {
      server?.delete(name)
      told.delete(`${id}/${name}`)
      post({ type: 'removed', at: now, seq, outcome: 'removed' })
    }
  }

  // ---- Rules --------------------------------------------------------------------------------------------------------

  /** Nothing is removed at its source that isn't received, journaled, and durable where it must be. */
  function checkRemoval(id: string, seq: number, name: string, version: string): void {
    const json = stored.get(`${fileKeys}${seq}`)
    assert.ok(json !== undefined, `removal of ${name} before anything of it is journaled`)
    const { here } = JSON.parse(json) as FileRecord
    assert.ok(here !== undefined, `removal of ${name} before it is journaled that it is here`)
    const remote = servers.get(id)?.get(name)
    if (remote === undefined || remote.version !== version) return
    if (exact) assert.equal(here.digest, remote.content, `removal of ${name}, of which other content was received`)
    if (config.confirm === 'buffer') assert.ok(isSaved(here.digest), `removal of ${name}, which isn't here`)
    else assert.ok(durable.has(here.digest), `removal of ${name} before it is confirmed`)
  }

  /** A file belongs to whose turn it was when it was seen. */
  function checkOwner(id: string, name: string, version: string, uid: number): void {
    const known = owners.get(`${id}/${name}/${version}`) ?? []
    assert.ok(known.includes(uid), `${name}, seen in a turn of ${known}, was received for ${uid}`)
  }

  /** Grimsel hears of a file only behind the beginning of its turn. */
  function checkTurn(seq: number): void {
    const turn = state.files.get(seq)?.record.turn
    if (config.grimsel !== 'answers' || turn === undefined) return
    assert.ok(grimselTurn >= turn, `a file of turn ${turn} was announced in turn ${grimselTurn}`)
  }

  /** And of a turn only behind the files of those before it, unless that takes too long. */
  function checkOrder({ number, since }: Turn): void {
    if (now >= Math.max(since, state.started) + 20_000) return
    for (const { record, stage } of state.files.values()) {
      const isOwed = stage === 'receive' || stage === 'announce'
      assert.ok(record.turn >= number || !isOwed, `turn ${number} was told before ${record.offer.name}`)
    }
    for (const { reserved } of state.sources.values()) {
      for (const { record } of reserved.values()) {
        assert.ok(record.turn >= number, `turn ${number} was told before ${record.name}, which is being written`)
      }
    }
  }

  const isSaved = (content: string): boolean => durable.has(content) || [...buffer.values()].includes(content)

  // ---- What happens -------------------------------------------------------------------------------------------------

  const stageOf = (id: string, name: string) => state.sources.get(id)?.files.get(name)?.stage

  function complete(): void {
    const id = random.pick(['a', 'b'])
    const server = servers.get(id)
    const name = `f${random.below(12)}.cbf`
    const before = server?.get(name)
    // What changes under the same version between the last look and the removal is lost: nobody can tell.
    if (!exact && (isRemoving(`${id}/${name}`) || stageOf(id, name) === 'remove')) return
    if (before !== undefined) lost.add(before.content)
    counter += 1
    now += 1
    const grows = before !== undefined && random.chance(0.3)
    const content = `${grows ? before.content : `content ${counter}`} ${'x'.repeat(random.below(5))}`
    const version = exact ? `v${counter}` : `${content.length}`
    server?.set(name, { version, content, seen: grows ? before.seen : now, from: grows ? before.version : undefined })
    completed.add(content)
    offer(id, name, !grows)
  }

  function beginWriting(): void {
    counter += 1
    now += 1
    const server = random.pick(['a', 'b'])
    const seen = up.get(server) ? now : undefined
    written.set(`w${counter}`, { server, size: 1, seen, told: now, may: [owner()] })
  }

  /** It grows, becomes whole, or vanishes. */
  function goOn(): void {
    if (written.size === 0) return
    const [name, file] = random.pick([...written])
    if (random.chance(0.5)) file.size += random.below(2)
    else if (random.chance(0.2)) {
      written.delete(name)
      if (up.get(file.server) && random.chance(0.5)) withdraw(file.server, name)
    } else if (up.get(file.server) && file.seen !== undefined) become(name, file)
  }

  function become(name: string, { server, size, seen = now, may }: Written): void {
    written.delete(name)
    const content = `content of ${name} `.padEnd(size + 20, 'x')
    const version = exact ? `v${name}` : `${content.length}`
    servers.get(server)?.set(name, { version, content, seen })
    completed.add(content)
    owners.set(`${server}/${name}/${version}`, may)
    told.add(`${server}/${name}`)
    const offer = { name, path: name as ByteString, version, exact, size: content.length, seen }
    post({ type: 'offered', at: now, source: server, offer })
  }

  /** What a source has seen and not offered. */
  function seenBy(source: string): CoreEvent {
    const files = [...written].flatMap(([name, file]) => {
      if (file.server !== source || file.seen === undefined) return []
      const found = { name, seen: file.seen }
      // It isn't known again before it was looked at.
      if (random.chance(0.2)) return found
      file.told = now
      return { ...found, version: `${file.size}`, size: file.size }
    })
    return { type: 'seen', at: now, source, files, first: true, last: true, whole: up.get(source) === true }
  }

  function vanish(): void {
    const id = random.pick(['a', 'b'])
    const server = servers.get(id)
    const [name, remote] = [...(server ?? [])].at(0) ?? []
    if (name === undefined || remote === undefined) return
    lost.add(remote.content)
    server?.delete(name)
    if (up.get(id)) withdraw(id, name)
  }

  function toggle(): void {
    const id = random.pick(['a', 'b'])
    const isUp = up.get(id) !== true
    up.set(id, isUp)
    if (isUp) appear(id)
    else post({ type: 'source', at: now, source: id, available: false, failure: failure('ECONNREFUSED') })
  }

  function work(): void {
    for (const [path, entry] of known) {
      if (entry.state === 'pending' && random.chance(0.5)) {
        const content = buffer.get(path)
        entry.state = content === undefined ? 'failed' : 'durable'
        if (content !== undefined) {
          durable.add(content)
          known.set(path, { content, state: 'durable' })
        }
      } else if (entry.state === 'durable' && chance(0.05)) {
        // All done with, and cleared.
        known.delete(path)
        if (buffer.get(path) === entry.content) buffer.delete(path)
      } else if (entry.state === 'pending' && chance(0.05)) entry.state = 'failed'
      else if (entry.state === 'failed' && buffer.has(path)) known.set(path, { content: '', state: 'pending' })
    }
  }

  function changeUser(): void {
    const uid = ++counter
    now += 1
    users.push(uid)
    const unsettled = chance(0.5)
    const since = now
    const change = {
      type: 'userChange',
      at: now,
      since,
      user: { uid, gid: uid, userDirectory: '' },
      unsettled,
    } as const
    // What no source has seen since the start is the next user's, unless that was noted before.
    for (const file of written.values()) if (file.seen === undefined) file.may.push(uid)
    for (const command of decide(state, [change, seenBy('a'), seenBy('b')])) carryOut(command)
    // Never, now and then: a source doesn't get on.
    if (unsettled && chance(0.9)) later(() => post({ type: 'settled', at: now, before: since }), undefined, 400)
    now += 1
  }

  /** What no server has any more is lost with it, and nobody's fault. */
  function loseBuffer(): void {
    const left = new Set([...servers.values()].flatMap((server) => [...server.values()].map(({ content }) => content)))
    for (const content of buffer.values()) if (!left.has(content)) lost.add(content)
    // So is what is just being removed, where the buffer is all that counts.
    for (const [id, server] of servers) {
      for (const [name, { content }] of server) if (isRemoving(`${id}/${name}`)) lost.add(content)
    }
    buffer.clear()
    for (const entry of known.values()) if (entry.state === 'pending') entry.state = 'failed'
  }

  /** Another file system is mounted in its place, and Furka looks. */
  function remount(): void {
    loseBuffer()
    const gone = [...state.files.values()].filter(({ record: { here, safe } }) => here && safe === undefined)
    post({ type: 'missing', at: now, seqs: gone.map(({ record: { seq } }) => seq) })
  }

  function crash(): void {
    for (const { effect } of results) if (chance(0.5)) effect()
    if (powerCuts && chance(0.5)) loseBuffer()
    else if (unwritten.length > 0) {
      // Some of what wasn't durable is.
      for (const { ops } of unwritten.slice(0, random.below(unwritten.length + 1))) write(ops)
    }
    const noted = new Set<string>()
    const turns = JSON.parse(stored.get(turnsKey) ?? '[]') as Turn[]
    for (const [key, json] of stored) {
      if (!key.startsWith(fileKeys)) continue
      const { here, source, offer, turn } = JSON.parse(json) as FileRecord
      const { uid } = turns.find(({ number }) => number === turn)?.user ?? nobody
      // What was to be received is known to be looked for, though not what it is.
      noted.add(here?.digest ?? buffer.get(`/ram/./u${uid}/${source}/${offer.name}`) ?? '')
    }
    for (const content of buffer.values()) if (!noted.has(content)) untold.add(content)
    // A user change that wasn't durable was never made.
    while (users.length > 1 && owner() !== (turns.at(-1)?.user.uid ?? 0)) users.pop()
    for (const file of written.values()) {
      file.seen = undefined
      file.may = file.may.map((uid) => (users.includes(uid) ? uid : owner()))
    }
    if (reconfigured && chance(0.5)) {
      const [to, tier] = random.pick([
        ['none', 'buffer'],
        ['listens', 'buffer'],
        ['answers', 'buffer'],
        ['answers', 'internal'],
      ] as const)
      config = { ...config, grimsel: to, confirm: tier }
    }
    // Clocks are put right, too.
    if (chance(0.3)) now -= random.below(100_000)
    for (const file of written.values()) file.told = Math.min(file.told, now)
    start()
  }

  function advance(ms: number): void {
    now += ms
    results.sort((a, b) => a.at - b.at)
    for (let next = results[0]; next !== undefined && next.at <= now; next = results[0]) {
      results.shift()
      if (next.process === process) next.run()
    }
    post({ type: 'tick', at: now })
  }

  state = createState(config, now, { turns: [], files: [] }, nobody)
  now += 1
  start()

  return {
    step(): void {
      const dice = random.below(100)
      if (dice < 35) complete()
      else if (dice < 37) vanish()
      else if (dice < 40) toggle()
      else if (dice < 42) grimselUp = !grimselUp
      else if (dice < 43) targetFails = !targetFails
      else if (dice < 45) changeUser()
      else if (dice < 46) crash()
      else if (dice < 47 && powerCuts) remount()
      else if (dice < 50) beginWriting()
      else if (dice < 53) goOn()
      else if (dice < 54) for (const id of servers.keys()) post(seenBy(id))
      else if (dice < 60) work()
      advance(random.below(30))
      if (random.chance(0.02)) advance(random.below(40_000))
    },
    finish(): void {
      healed = true
      grimselUp = true
      targetFails = false
      for (const id of servers.keys()) {
        if (!up.get(id)) up.set(id, true)
        appear(id)
      }
      for (const [name, file] of written) become(name, file)
      for (let round = 0; round < 3000 && !(isIdle(state) && unwritten.length === 0); round++) {
        work()
        advance(round < 500 ? 20 : 1000)
      }
      assert.ok(
        isIdle(state),
        `not idle: ${JSON.stringify([...state.files.values()].slice(0, 3).map(({ record, stage, failure }) => ({ record, stage, failure })))}`,
      )
      for (const [id, server] of servers) {
        for (const [name, remote] of server) {
          const kept = state.sources.get(id)?.files.get(name)
          assert.equal(kept?.stage, 'kept', `${name} is left at its source`)
          assert.ok(isSaved(remote.content))
        }
      }
      if (grimsel === 'answers') {
        for (let round = 0; round < 200; round++) work()
        for (const [path, content] of buffer) {
          // What nobody was told of before the crash, and the server has lost since, nobody knows.
          const isUnknown = untold.has(content) && lost.has(content)
          assert.ok(isUnknown || durable.has(content), `${path} was never handed over`)
        }
      }
      for (const content of completed) assert.ok(lost.has(content) || isSaved(content), `${content} is lost`)
      assert.equal([...stored.keys()].filter((key) => key.startsWith(fileKeys)).length, state.files.size)
      for (const id of servers.keys()) post(seenBy(id))
      advance(100_000)
      for (const id of servers.keys()) post(seenBy(id))
      advance(100)
      assert.deepEqual(
        [...stored.keys()].filter((key) => key !== turnsKey && !key.startsWith(fileKeys)),
        [],
      )
    },
  }
}
