import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { messageCodes, openMessagePort, openStatusPort } from '#lib/grimsel/ports/index.js'
import { clientsFolder, runPython, startProgram, testPython } from './support/python.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/PYTHON.md'), 'utf8')
const readme = readFileSync(join(clientsFolder, 'README.md'), 'utf8')

/** The first program of a text that has a word, with the port that a test has opened. */
function programWith(text: string, word: string, port: number): string {
  const programs = [...text.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, program = '']) => program)
  const found = programs.find((program) => program.includes(word))
  assert.ok(found !== undefined && /4719[89]/.test(found), `there is a program with ${word}`)
  return found.replaceAll(/4719[89]/g, String(port))
}

testPython("the guide's program asks for the status", async (t, python) => {
  await using port = await openStatusPort({
    port: 0,
    query: () => [[{ usertime: 0, uid: 1001, gid: 100, storage: 'internal', pending: 12, copied: 34_567, failed: 2 }]],
  })
  const guided = await runPython(t, python, programWith(guide, 'queryStatus', port.port))
  assert.equal(guided.stderr, '')
  assert.match(guided.stdout, / 1001 internal: 12 pending, 2 failed\n$/)
  const short = await runPython(t, python, programWith(readme, 'queryStatus', port.port))
  assert.equal(short.stderr, '')
  assert.match(short.stdout, / 1001 internal: 12 pending, 34567 copied, 2 failed\n$/)
})

testPython("the guide's program reacts to messages", async (t, python) => {
  await using port = await openMessagePort({ port: 0 })
  const running = startProgram(t, python, programWith(guide, 'processMessage', port.port))
  while (port.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  port.publish({ name: 'DISK_OVERFLOW', shortmessage: '/ramdisk', longmessage: 'A sentence.' })
  await running.printed('/ramdisk is full!\nA sentence.\n')
})

test('the list of codes in the protocol is that of the programs', () => {
  const text = readFileSync(join(root, 'docs/PROTOCOLS.md'), 'utf8')
  const rows = [...text.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, code, name]) => [name, Number(code)])
  assert.deepEqual(Object.fromEntries(rows), messageCodes)
})
