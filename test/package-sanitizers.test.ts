import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratch } from './support/tree.js'

interface Reports {
  splitReports(log: string): string[]
  isOnAddon(report: string, root: string): boolean
}
const { splitReports, isOnAddon } = (await import(
  new URL('../../scripts/sanitizer-reports.mjs', import.meta.url).href
)) as Reports

interface Tools {
  isMoved(root: string, out: string): boolean
}
const { isMoved } = (await import(new URL('../../scripts/tools.mjs', import.meta.url).href)) as Tools

const onAddon = (report: string) => isOnAddon(report, '/src/susten')

const thread = `
  Thread T2 'susten' (tid=2, running) created by main thread at:
    #0 pthread_create ../../../../src/libsanitizer/tsan/tsan_interceptors_posix.cpp:1001 (libtsan.so.2+0x5e686)
    #1 susten::Pool::Pool() /src/susten/native/engine/pool.cc:48 (susten.node+0x5902a)`

const race = (first: string, second: string, more = '') => `WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x7b01 by thread T2:
${first}

  Previous write of size 8 at 0x7b01 by main thread:
${second}
${more}${thread}
`

const inAddon = '    #0 susten::Digest::reset() /src/susten/native/digest/digest.cc:30 (susten.node+0x54c6a)'
const inAddonUnknown = '    #0 <null> <null> (susten.node+0x9092a)'
const inNode = '    #0 uv_rwlock_destroy ../deps/uv/src/unix/thread.c:375 (node+0x18b03cb)'
const inNodeUnderAddon = `${inNode}\n${inAddon.replace('#0', '#1')}`
const freeInAddon = `    #0 operator delete(void*) ../../../../src/libsanitizer/tsan/tsan_new_delete.cpp:150 (libtsan.so.2+0x1)
    #1 std::__new_allocator<char>::deallocate(char*) /usr/include/c++/12/bits/new_allocator.h:158 (susten.node+0x1)
${inAddon.replace('#0', '#2')}`

test('a race counts if the addon made one of the accesses', () => {
  assert.equal(onAddon(race(inAddon, inNode)), true)
  assert.equal(onAddon(race(inNode, inAddonUnknown)), true)
  assert.equal(onAddon(race(freeInAddon, inNode)), true)
})

test("a race of Node's own accesses does not count, though the addon called Node or made the thread", () => {
  assert.equal(onAddon(race(inNode, inNode)), false)
  assert.equal(onAddon(race(inNodeUnderAddon, inNode)), false)
})

test('a race on a file descriptor counts if both accesses are of the addon', () => {
  const opened = `\n  Location is file descriptor 34 created by thread T8 at:\n`
  assert.equal(onAddon(race(inAddon, inNode, `${opened}${inNode}\n`)), false)
  assert.equal(onAddon(race(inAddon, freeInAddon, `${opened}${inAddon}\n`)), true)
  const calls = (node: string) => `WARNING: ThreadSanitizer: data race
  Write of size 8 at 0x7b04 by thread T23:
    #0 open64 ../libsanitizer/tsan/tsan_interceptors_posix.cpp:1592 (libtsan.so.2.0.0+0x561)
    #1 <null> <null> (susten.node+0x93f)

  Previous write of size 8 at 0x7b04 by main thread:
    #0 epoll_create1 ../libsanitizer/tsan/tsan_interceptors_posix.cpp:1875 (libtsan.so.2.0.0+0x3f6)
    #1 ${node}
`
  assert.equal(onAddon(calls('uv__platform_loop_init ../deps/uv/src/unix/linux.c:594 (node+0x18b)')), false)
  assert.equal(onAddon(calls('<null> <null> (susten.node+0x18b)')), true)
})

test('a leak counts if the addon allocated it', () => {
  const log = `
=================================================================
==1==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 123 byte(s) in 1 object(s) allocated from:
    #0 0x7ff2 in operator new[](unsigned long) ../../../../src/libsanitizer/asan/asan_new_delete.cpp:98
    #1 0x7ff3 in susten::Digest::Digest() /src/susten/native/digest/digest.cc:23

Indirect leak of 264 byte(s) in 1 object(s) allocated from:
    #0 0x7ff2 in malloc ../../../../src/libsanitizer/asan/asan_malloc_linux.cpp:145
    #1 0x1167 in v8::internal::Heap::Setup() (/src/susten/build/address/node+0x116728d)

SUMMARY: AddressSanitizer: 387 byte(s) leaked in 2 allocation(s).`
  assert.deepEqual(splitReports(log).map(onAddon), [true, false])
})

test('what was built in a folder that was moved or copied since is built anew', async (t) => {
  const root = await scratch(t)
  const out = join(root, 'build/address')
  assert.equal(isMoved(root, out), false)
  mkdirSync(out, { recursive: true })
  const cache = (home: string): void =>
    writeFileSync(join(out, 'CMakeCache.txt'), `A:INTERNAL=x\nCMAKE_HOME_DIRECTORY:INTERNAL=${home}\nB:INTERNAL=y\n`)
  cache(root)
  assert.equal(isMoved(root, out), false)
  for (const elsewhere of ['/work/other', `${root}/below`, join(root, '..')]) {
    cache(elsewhere)
    assert.equal(isMoved(root, out), true, elsewhere)
  }
})
