/** An open file pipe in a directory of its own, and what it told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BadLines, type FilePipe, openPipe, type PipeMessage, type PipeOptions } from '#lib/source/index.js'
import { scratch } from './tree.js'

export interface PipeWorld {
  readonly root: string
  readonly path: string
  readonly pipe: FilePipe
  /** In the order in which they came. */
  readonly paths: string[]
  readonly bad: BadLines[]
  readonly messages: PipeMessage[]
}

/** A directory that everybody may enter. */
export async function openRoot(t: TestContext): Promise<string> {
  const root = await scratch(t)
  chmodSync(root, 0o755)
  return root
}

export async function pipeWorld(t: TestContext, options: Partial<PipeOptions> = {}): Promise<PipeWorld> {
  const root = await openRoot(t)
  const path = `${root}/pipe`
  const paths: string[] = []
  const bad: BadLines[] = []
  const messages: PipeMessage[] = []
  const pipe = await openPipe({
    path,
    onPaths: (more) => {
      for (const one of more) paths.push(one)
    },
    onBad: (lines) => bad.push(lines),
    onMessage: (message) => messages.push(message),
    ...options,
  })
  t.after(() => pipe.close().catch(() => {}))
  return { root, path, pipe, paths, bad, messages }
}

/** Who is told of paths, and has taken none of them until `release` is called. */
export function slowTaker(): {
  /** What he was told, in the order in which it came. */
  readonly taken: string[]
  readonly onPaths: (more: readonly string[]) => Promise<void>
  readonly release: () => void
} {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const taken: string[] = []
  return {
    taken,
    async onPaths(more) {
      taken.push(...more)
      await held
    },
    release,
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(2)
}

/** Runs a shell script; `$1`, `$2`, … are the arguments. */
export function shell(script: string, args: readonly string[], user?: { uid: number; gid: number }): ChildProcess {
  return spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/', ...user })
}

/** Runs a shell script to its end; its exit code. */
export async function run(
  script: string,
  args: readonly string[],
  user?: { uid: number; gid: number },
): Promise<unknown> {
  const [code] = (await once(shell(script, args, user), 'close')) as [unknown]
  return code
}
