/** What happens around Furka: users change, processes are killed, the buffer is full, storages are away. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../support/random.js'
import type { Worker } from './children.js'
import type { Place } from './place.js'
import { type SoakTurn, type SoakUser, userOf } from './turns.js'

export interface Conducted {
  readonly place: Place
  readonly random: Random
  readonly furka: Worker & { changeUser(user: SoakUser): Promise<void> }
  readonly grimsel: Worker
  /** Resolves when all servers have taken it in. */
  tellServers(message: { type: 'user'; directory: string } | { type: 'away'; count: number }): Promise<void>
  calm(isCalm: boolean): Promise<void>
  /** How much faster than in an hour things happen. */
  readonly haste: number
}

export interface Conductor {
  readonly turns: readonly SoakTurn[]
  readonly counts: Readonly<Record<string, number>>
  /** The first user. */
  begin(): Promise<void>
  /** Resolves when all that was disturbed is as it was. */
  stop(): Promise<void>
}

export function createConductor(conducted: Conducted): Conductor {
  const { place, random, furka, grimsel, tellServers, calm, haste } = conducted
  const turns: SoakTurn[] = []
  const counts: Record<string, number> = {}
  const stopping = new AbortController()
  const { signal } = stopping
  const away = new Set<string>()
  let running: Promise<unknown> = Promise.resolve()

  /** Seconds, of an hour. */
  async function pause(least: number, most: number): Promise<void> {
    const time = (1000 * (least + random.next() * (most - least))) / haste
    await sleep(time, undefined, { signal }).catch(() => {})
  }

  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }

  async function changeUser(): Promise<void> {
    const user = userOf(turns.length + 1)
    await tellServers({ type: 'user', directory: user.userDirectory })
    const turn: SoakTurn = { ...user, from: Date.now(), to: Number.POSITIVE_INFINITY }
    turns.push(turn)
    await furka.changeUser(user)
    turn.to = Date.now()
    count('users')
  }

  async function changeUsers(): Promise<void> {
    await pause(60, 240)
    if (signal.aborted) return
    const isCalm = random.chance(0.5)
    if (isCalm) {
      await calm(true)
      await sleep(3000)
    }
    await changeUser()
    if (isCalm) await calm(false)
  }

  async function killFurka(): Promise<void> {
    await pause(40, 300)
    if (signal.aborted) return
    const isHard = random.chance(0.8)
    count(isHard ? 'furkaKills' : 'furkaStops')
    await furka.stop(isHard ? 'SIGKILL' : 'SIGTERM')
    await pause(0, 10)
    furka.start()
    await furka.ready()
  }

  async function killGrimsel(): Promise<void> {
    await pause(60, 400)
    if (signal.aborted) return
    const isHard = random.chance(0.5)
    count(isHard ? 'grimselKills' : 'grimselStops')
    await grimsel.stop(isHard ? 'SIGKILL' : 'SIGTERM')
    await pause(0, 20)
    grimsel.start()
    await grimsel.ready()
  }

  async function fillBuffer(): Promise<void> {
    await pause(150, 500)
    if (signal.aborted) return
    count('bufferFull')
    const free = place.fillUp()
    await pause(5, 20)
    free()
  }

  async function takeStorage(storage: 'internal' | 'external'): Promise<void> {
    await pause(150, 500)
    if (signal.aborted) return
    count(`${storage}Away`)
    away.add(storage)
    await tellServers({ type: 'away', count: away.size })
    place.takeAway(storage)
    await pause(5, 40)
    await place.bringBack(storage)
    away.delete(storage)
    await tellServers({ type: 'away', count: away.size })
  }

  async function again(act: () => Promise<void>): Promise<void> {
    while (!signal.aborted) await act()
  }

  return {
    turns,
    counts,
    async begin() {
      await changeUser()
      running = Promise.all(
        [
          changeUsers,
          killFurka,
          killGrimsel,
          fillBuffer,
          () => takeStorage('internal'),
          () => takeStorage('external'),
        ].map(again),
      )
      running.catch(() => {})
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
