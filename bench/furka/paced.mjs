/** Starts `dcu.mjs`, and tells when its files are complete. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** `at`: in nanoseconds of the clock that `hrtime` reads. @typedef {{ at: bigint, name: string }} Complete */

/**
 * @param {number} size Of each file, in bytes.
 * @param {number} perSecond
 */
export async function startDcu(size, perSecond) {
  const args = [join(import.meta.dirname, 'dcu.mjs'), String(size), String(perSecond)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const line = await lines.next()
    if (line.done) throw new Error('the simulated detector server has ended')
    return line.value
  }
  return {
    url: await next(),
    /** A series: its files, as they become complete. @param {number} files @returns {AsyncGenerator<Complete>} */
    async *series(files) {
      child.stdin.write(`${files}\n`)
      for (let count = 0; count < files; count++) {
        const [at = '', name = ''] = (await next()).split(' ')
        yield { at: BigInt(at), name }
      }
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
