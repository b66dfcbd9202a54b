/** A server that runs beside the contenders, and ends with the bench, however that ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const startSeconds = 10

/** Whether somebody listens at a port, in the network that a process is in. @param {number} pid @param {number} port */
function isListening(pid, port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)
  // See proc_pid_net(5): number, local address, remote address, state; 0A is LISTEN.
  return lines.map((line) => line.trim().split(/\s+/)).some(([, at, , state]) => at?.endsWith(local) && state === '0A')
}

/**
 * Resolves when it listens.
 *
 * @param {string} name For messages.
 * @param {number} port
 * @param {string[]} command A program that stays in the foreground, and ends with SIGTERM.
 * @returns {Promise<{ close: () => Promise<void> }>}
 */
export async function startServer(name, port, command) {
  // The kernel sends the signal too if this process is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = () => void child.kill()
  process.on('exit', kill)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-2000)
  })
  const ended = once(child, 'close').catch((error) => {
    errors = error.message
  })
  const close = async () => {
    process.off('exit', kill)
    child.kill()
    await ended
  }
  for (const end = performance.now() + startSeconds * 1000; performance.now() < end; await sleep(20)) {
    if (child.pid === undefined || child.exitCode !== null) break
    if (isListening(child.pid, port)) return { close }
  }
  await close()
  throw new Error(`${name}: did not start: ${errors.trim() || `nothing listens at port ${port}`}`)
}
