/** A systemd of its own for a test, in namespaces: process 1 of them, with a /run of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const systemd = '/lib/systemd/systemd'
const target = 'susten-test.target'

/** Why there can't be one here; undefined if there can. For `skip`. */
export function whyNoSystemd(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root'
  if (!existsSync(systemd) || !existsSync('/sys/fs/cgroup')) return 'needs systemd and control groups'
  const mounts = 'mount -t tmpfs tmpfs /run && mount -t cgroup2 cgroup2 /sys/fs/cgroup'
  const { status } = spawnSync('unshare', ['-fpmCui', '--mount-proc', 'sh', '-c', mounts])
  return status === 0 ? undefined : 'needs namespaces of its own'
}

export interface Systemd {
  /** Runs systemctl; what it prints. */
  ctl(...args: string[]): Promise<string>
}

/**
 * Its mounts are copies of those that are there now. `units`: by their file names. They need
 * `DefaultDependencies=no`: nothing else is there.
 */
export async function startSystemd(
  t: TestContext,
  root: string,
  units: Readonly<Record<string, string>>,
): Promise<Systemd> {
  const directory = join(root, 'units')
  mkdirSync(directory)
  for (const [name, text] of Object.entries({ [target]: '[Unit]\nDefaultDependencies=no\n', ...units })) {
    writeFileSync(join(directory, name), text)
  }
  const script = `
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && cp "$1"/* /run/systemd/system/ || exit 1
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
    container=lxc exec ${systemd} --system --unit=${target} --log-target=null --show-status=no < /dev/null`
  const outer = spawn('unshare', ['-fpmCui', '--mount-proc', '--kill-child', 'sh', '-c', script, 'sh', directory], {
    stdio: 'ignore',
  })
  let inner: string | undefined
  t.after(() => {
    // Process 1 of its namespace takes all others with it.
    if (inner !== undefined) process.kill(Number(inner), 'SIGKILL')
    outer.kill('SIGKILL')
  })
  const run = async (args: readonly string[]): Promise<{ code: number | null; out: string }> => {
    const child = spawn('nsenter', ['-t', inner ?? '', '-a', 'systemctl', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (some: string) => {
        out += some
      })
    }
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out }
  }
  for (let tries = 0; ; tries++) {
    inner ??= readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'latin1').trim().split(' ')[0] || undefined
    if (inner !== undefined && (await run(['is-active', target])).out.trim() === 'active') break
    if (tries > 500 || outer.exitCode !== null) throw new Error('systemd did not start')
    await sleep(20)
  }
  return {
    async ctl(...args) {
      const { code, out } = await run(args)
      if (code !== 0) throw new Error(`systemctl ${args.join(' ')}: ${code}\n${out}`)
      return out.trim()
    },
  }
}
