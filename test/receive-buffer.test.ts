/** How much the kernel takes in for a connection before somebody reads it. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { until } from './support/pipe-world.js'
import { header, rawServer } from './support/receive-world.js'
import { scratch } from './support/tree.js'

const wanted = 4 * 2 ** 20
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

/** Receives in a process that `within` runs, from a server that has begun to answer, and goes on when it was looked at. */
async function sizeWithin(t: TestContext, within: string[]): Promise<number> {
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
    const [result] = await engine.receive({
      host: '127.0.0.1', port: ${server.port}, destRoot: bytesOfText(${JSON.stringify(dest)}),
      mode: 0o640, directoryMode: 0o750, durability: 'none', digest: true, resumes: 0,
      timeouts: { connect: 10_000, header: 10_000, stall: 10_000, leastBytes: 1 },
      files: [{ target: '/f', dest: bytesOfText('f'), existing: 'version' }],
    })
    console.log(result.outcome)
    await engine.close()`
  const [command = '', ...args] = [...within, process.execPath, '--input-type=module', '--eval', program]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let told = ''
  child.stdout.on('data', (text: Buffer) => (told += text.toString()))
  await until(() => goOn !== undefined)
  const size = bufferSize(server.port) ?? assert.fail()
  goOn?.()
  await until(() => told === 'created\n')
  return size
}

test('a whole file of a detector fits into the buffer of a connection', { skip }, async (t) => {
  assert.equal(await sizeWithin(t, []), 2 * wanted)
})

test('without the privilege the buffer is as large where rmem_max allows it, else left to the kernel', {
  skip,
}, async (t) => {
  const size = await sizeWithin(t, ['setpriv', '--inh-caps=-all', '--bounding-set=-net_admin'])
  if (largest >= wanted) assert.equal(size, 2 * wanted)
  // Asked for, it would be this, and stay so.
  else assert.notEqual(size, 2 * largest)
})
