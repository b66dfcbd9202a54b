/** Trees of files for tests: planting them, and looking at what became of them. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A fresh directory that goes with the test. */
export async function scratch(t: TestContext, parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'susten-test-'))
  // fs.rm can't take paths longer than PATH_MAX; nobody but root can empty a directory that may not be written.
  t.after(() => {
    spawnSync('chmod', ['-R', 'u+rwx', '--', directory])
    spawnSync('rm', ['-rf', '--', directory])
  })
  return directory
}

/** What stands under a name: a file's content, a link's text, or a directory's entries. */
export type Plan = string | Buffer | { readonly link: string } | Directory
export interface Directory {
  readonly [name: string]: Plan
}

/** Makes what the plan says. Names are text, or bytes as latin1 behind `bytes:`. */
export async function plant(path: string, plan: Plan): Promise<void> {
  if (typeof plan === 'string' || Buffer.isBuffer(plan)) return writeFile(path, plan)
  if (isLink(plan)) return symlink(plan.link, path)
  await mkdir(path, { recursive: true })
  for (const [name, inner] of Object.entries(plan)) await plant(join(path, name), inner)
}

function isLink(plan: Exclude<Plan, string | Buffer>): plan is { readonly link: string } {
  return typeof plan['link'] === 'string' && Object.keys(plan).length === 1
}

/** Every entry below a path, and the path itself under '.': kind, permissions, content's digest or link's text. */
export async function look(path: string): Promise<Record<string, string>> {
  const found: [string, string][] = []
  const visit = async (at: Buffer, name: string): Promise<void> => {
    const st = await lstat(at)
    const mode = (st.mode & 0o7777).toString(8)
    if (st.isSymbolicLink()) {
      found.push([name, `link ${await readlink(at)}`])
    } else if (st.isDirectory()) {
      found.push([name, `directory ${mode}`])
      for (const entry of await readdir(at, { encoding: 'buffer' })) {
        const inner = Buffer.concat([at, Buffer.from('/'), entry])
        await visit(inner, name === '.' ? entry.toString('latin1') : `${name}/${entry.toString('latin1')}`)
      }
    } else if (st.isFile()) {
      const digest = createHash('sha256')
        .update(await readFile(at))
        .digest('hex')
      found.push([name, `file ${mode} ${st.size} ${digest.slice(0, 16)}`])
    } else {
      found.push([name, `special ${mode}`])
    }
  }
  await visit(Buffer.from(path), '.')
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Names of temp files that a copy left behind. */
export async function leftovers(path: string): Promise<string[]> {
  return Object.keys(await look(path)).filter((name) => name.includes('.susten-'))
}

/** Sets permission bits exactly, whatever the umask. */
export const allow = (path: string, mode: number): Promise<void> => chmod(path, mode)
