/** How much the kernel takes in for a connection before somebody reads it. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { until } from './support/pipe-world.js'
import { header, rawServer } from './support/receive-world.js'
import { scratch } from './support/tree.js'

const wanted = 4 * 2 ** 20
const idle = 16 * 2 ** 10
const largest = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'))
const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined
const skip = !isThere('ss')
  ? 'needs ss'
  : process.geteuid?.() === 0 && isThere('setpriv')
    ? false
    : 'needs root, setpriv'

/** The size of the buffer of who receives from `port`, as the kernel counts it: twice as much as was asked for. */
function bufferSize(port: number): number | undefined {
  const shown = execFileSync('ss', ['-tmnHO', 'state', 'established', 'dst', `127.0.0.1:${port}`], { encoding: 'utf8' })
  const size = /skmem:\(r\d+,rb(\d+)/.exec(shown)?.[1]
  return size === undefined ? undefined : Number(size)
}

/** Receives two files in a process that `within` runs: the sizes while the first comes, between the two, and then. */
async function sizesWithin(t: TestContext, within: string[]): Promise<number[]> {
  let goOn: (() => void) | undefined
  const server = await rawServer(t, (socket) => {
    socket.write(header('HTTP/1.1 200 OK', 'Content-Length: 1'))
    goOn = () => void socket.write('x')
  })
  const dest = await scratch(t)
  const program = `
    import { openEngine } from ${JSON.stringify(new URL('../../dist/engine/index.js', import.meta.url).href)}
    import { bytesOfText } from ${JSON.stringify(new URL('../../dist/bytes.js', import.meta.url).href)}
    const engine = openEngine({ threads: 1 })
    for (const name of ['f', 'g']) {
      const [result] = await engine.receive({
        host: '127.0.0.1', port: ${server.port}, destRoot: bytesOfText(${JSON.stringify(dest)}),
        mode: 0o640, directoryMode: 0o750, durability: 'none', digest: true, resumes: 0,
        timeouts: { connect: 10_000, header: 10_000, stall: 10_000, leastBytes: 1 },
        files: [{ target: '/f', dest: bytesOfText(name), existing: 'version' }],
      })
      process.stdout.write(result.outcome)
      await new Promise((resolve) => process.stdin.once('data', resolve))
    }
    await engine.close()`
  const [command = '', ...args] = [...within, process.execPath, '--input-type=module', '--eval', program]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let told = ''
  child.stdout.on('data', (text: Buffer) => (told += text.toString()))
  const sizes: number[] = []
  const look = (): void => void sizes.push(bufferSize(server.port) ?? assert.fail())
  await until(() => goOn !== undefined)
  look()
  goOn?.()
  await until(() => told === 'created')
  look()
  goOn = undefined
  child.stdin.write('next')
  await until(() => goOn !== undefined)
  look()
  assert.equal(server.connections(), 1)
  return sizes
}

test('a whole file of a detector fits into the buffer of a connection, and next to nothing when nothing was asked', {
  skip,
}, async (t) => {
  assert.deepEqual(await sizesWithin(t, []), [2 * wanted, 2 * idle, 2 * wanted])
})

test('without the privilege the buffer is as large where rmem_max allows it, else left to the kernel', {
  skip,
}, async (t) => {
  const sizes = await sizesWithin(t, ['setpriv', '--inh-caps=-all', '--bounding-set=-net_admin'])
  if (largest >= wanted) assert.deepEqual(sizes, [2 * wanted, 2 * idle, 2 * wanted])
  // Asked for, it would be this, and stay so.
  else assert.notEqual(sizes[0], 2 * largest)
})
