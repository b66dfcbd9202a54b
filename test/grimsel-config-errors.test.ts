import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsOf, least, leastJson, parse, refusalOf } from './support/grimsel-config.js'
import { createRandom } from './support/random.js'

/** What is wrong with one line among the keys of the whole file. */
const globally: Record<string, RegExp> = {
  'log-file /x': /^1: unknown key 'log-file'; did you mean 'logfile'\?$/,
  'fill_state_limit 80': /^1: unknown key 'fill_state_limit'; did you mean 'fillstate_limit'\?$/,
  'statsu_port 80': /did you mean 'status_port'\?$/,
  'fillstate 80': /^1: unknown key 'fillstate'; did you mean 'fillstate_limit'\?$/,
  'pipe /x': /^1: unknown key 'pipe'; known are /,
  'colour blue': /^1: unknown key 'colour'; known are logfile, .*, durability$/,
  '__proto__ x': /^1: unknown key '__proto__'/,
  'constructor x': /^1: unknown key 'constructor'/,
  'storages x': /^1: unknown key 'storages'/,
  logfile: /^1: logfile must be an absolute path, not empty$/,
  'logfile # x': /^1: logfile must be an absolute path, not empty$/,
  'logfile x.log': /^1: logfile must be an absolute path, not 'x\.log'$/,
  'logfile /log/../x': /^1: logfile must have no '\.\.'$/,
  'logfile /log # 1': /^1: logfile has a '#' after it; put the path in quotes/,
  'logfile "/log': /^1: logfile: the value '"\/log' must end with its quote/,
  'logfile "/log" x': /^1: logfile: the value .* must end with its quote/,
  [`logfile /${'x'.repeat(4095)}`]: /^1: logfile must be at most 4095 bytes long$/,
  [`control_socket /${'ü'.repeat(54)}`]: /^1: control_socket must be at most 107 bytes long$/,
  'logfile_max_number many': /^1: logfile_max_number must be a whole number from 0 to 1000, not 'many'$/,
  'logfile_max_number -1': /not '-1'$/,
  'logfile_max_number 1.5': /not '1\.5'$/,
  'logfile_max_number 1e2': /not '1e2'$/,
  'logfile_max_number 0x10': /not '0x10'$/,
  'logfile_max_number 1001': /not '1001'$/,
  'logfile_max_size 10': /^1: logfile_max_size must be bytes, at least 4096, or a number .* with a unit, .*, not '10'$/,
  'logfile_max_size 10MB': /not '10MB'$/,
  'logfile_max_size 1000000G': /not '1000000G'$/,
  'logfile_max_size 0k': /not '0k'$/,
  'logfile_max_size 1.5M': /not '1\.5M'$/,
  'history_max_entries 0': /must be a whole number from 1 to 100000, not '0'$/,
  'fillstate_limit 1': /^1: fillstate_limit is 1, which may mean 1 % or full; write '1%' or a number below 100$/,
  'fillstate_limit 100': /^1: fillstate_limit must be a percentage from 1% to less than 100%, .*, not '100'$/,
  'fillstate_limit 100%': /not '100%'$/,
  'fillstate_limit 0.5%': /not '0\.5%'$/,
  'fillstate_limit 0': /not '0'$/,
  'fillstate_limit 080': /not '080'$/,
  'fillstate_low_water 80': /^1: fillstate_low_water, 80 %, must be below fillstate_limit, which is 80 %$/,
  'status_port 0': /^1: status_port must be a whole number from 1 to 65535, not '0'$/,
  'status_port 65536': /not '65536'$/,
  'status_port 47198': /^1: status_port and message_port are both 47198; they must differ$/,
  'bind_address localhost': /^1: bind_address must be 1 to 16 different IP addresses, .*, not 'localhost'$/,
  'bind_address ::1 ::1': /not '::1 ::1'$/,
  bind_address: /not empty$/,
  'create_links maybe': /^1: create_links must be YES or NO, not 'maybe'$/,
  'create_links 1': /not '1'$/,
  'verify sometimes': /^1: verify must be INLINE or READBACK or NONE, not 'sometimes'$/,
  'durability NONE': /^1: durability must be BATCH or EACH, not 'NONE'$/,
  'type INTERNAL': /^1: type is a key of a storage; move it below its storageID$/,
  'n_copy_processes 8': /^1: n_copy_processes is a key of a storage; /,
  'ramdisk_mountpoint /data': /^2: storage 'disk': target '\/data' and ramdisk_mountpoint '\/data' lie in one another$/,
  'ramdisk_mountpoint /data/ram': /^2: storage 'disk': target .* lie in one another$/,
  'ramdisk_mountpoint /':
    /^1: journal_directory '.*' \(the default\) lies on ramdisk_mountpoint '\/', whose content is lost$/,
  'buffer_directory /mnt/data_buffer2':
    /^1: buffer_directory '\/mnt\/data_buffer2' must be ramdisk_mountpoint '\/mnt\/data_buffer' \(the default\) or lie/,
  'journal_directory /mnt/data_buffer/j':
    /^1: journal_directory .* lies on ramdisk_mountpoint .*, whose content is lost$/,
  'journal_directory /data/j':
    /^1: journal_directory '\/data\/j' and the target of storage 'disk' lie in one another; /,
  'journal_directory /': /^1: journal_directory '\/' and the target of storage 'disk' lie in one another; /,
  'journal_directory /var/log':
    /^1: logfile '\/var\/log\/grimsel_dectris\.log' \(the default\) lies in journal_directory/,
  'file_pipe /var/log/grimsel_dectris.log': /^1: file_pipe '.*' is the default of logfile, too$/,
  '[global]': /^1: '\[global\]' is no section; sections begin with 'storageID NAME'$/,
  '= 5': /^1: '= 5' is no 'key value'; comments begin with '#'$/,
  'logfile /a\u0007b': /^1: a control character stands after 'logfile \/a'; remove it$/,
  'a\rb': /^1: a control character stands after 'a'; remove it$/,
  [`logfile /${'x'.repeat(9000)}`]: /^1: the line is longer than 8192 characters$/,
}

for (const [line, expected] of Object.entries(globally)) {
  const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line
  test(`the line ${JSON.stringify(shown)} is refused, with its number and what is allowed`, () => {
    const errors = errorsOf(`${line}\n${least}`)
    assert.match(errors[0] ?? '', expected)
    if (!line.startsWith('ramdisk_mountpoint /') && line !== 'journal_directory /') assert.equal(errors.length, 1)
  })
}

/** What is wrong with one line in the section of a second storage. */
const inStorage: Record<string, RegExp> = {
  'create_links NO':
    /^7: storage 'b': create_links is a key of the whole file, not of a storage; move it above the first/,
  'n_copy_process 8': /^7: storage 'b': unknown key 'n_copy_process'; did you mean 'n_copy_processes'\?$/,
  'tpye OPTIONAL': /^7: storage 'b': unknown key 'tpye'; did you mean 'type'\?$/,
  'n_copy_processes 0': /^7: storage 'b': n_copy_processes must be a whole number from 1 to 256, not '0'$/,
  'n_copy_processes 257': /not '257'$/,
  'target /c': /^7: storage 'b': target is given twice, first in line 6$/,
  'TARGET /c': /^7: storage 'b': target is given twice, first in line 6$/,
  'mountpoint gpfs': /^7: storage 'b': mountpoint must be an absolute path, not 'gpfs'$/,
  required_mount: /^7: storage 'b': required_mount must be an absolute path, not empty$/,
  'detectorID 1MF\nsource /\ntarget /ramdisk': /^7: detectorID begins a section of Furka's configuration; Grimsel's/,
  'storageID b\ntype OPTIONAL\ntarget /c':
    /^7: storage 'b' is there twice, first in line 4; each needs a storageID of its/,
  'storageID\ntype OPTIONAL\ntarget /c': /^7: storage number 3: storageID must be a name of 1 to 64 characters.*empty$/,
  'storageID c d\ntype OPTIONAL\ntarget /c': /^7: storage 'c d': storageID must be a name of .*, not 'c d'$/,
  [`storageID ${'c'.repeat(65)}\ntype OPTIONAL\ntarget /c`]: /^7: storage 'c+': storageID must be a name of 1 to 64/,
  'storageID c\ntype TAPE\ntarget /c': /^8: storage 'c': type must be INTERNAL or EXTERNAL or OPTIONAL, not 'TAPE'$/,
  'storageID c\ntarget /c': /^7: storage 'c': type is missing: INTERNAL or EXTERNAL or OPTIONAL$/,
  'storageID c\ntype OPTIONAL': /^7: storage 'c': target is missing: the directory to copy to$/,
  'storageID c\ntype OPTIONAL\ntarget /data/./x':
    /^7: storage 'c': target '\/data\/\.\/x' and that of storage 'disk' \(line 1\) lie in one another; give each its own$/,
  'storageID c\ntype EXTERNAL\ntarget /c':
    /^8: at most one may have type EXTERNAL, but there are 2: storage 'b' \(line 4\), storage 'c' \(line 7\)$/,
  'storageID c\ntype INTERNAL\ntarget /c':
    /^8: exactly one must have type INTERNAL, but there are 2: storage 'disk' \(line 1\), storage 'c' \(line 7\)$/,
}

for (const [lines, expected] of Object.entries(inStorage)) {
  test(`in a storage, ${JSON.stringify(lines.slice(0, 60))} is refused once, with its line and storage`, () => {
    const errors = errorsOf(`${least}storageID b\ntype EXTERNAL\ntarget /b\n${lines}\n`)
    assert.equal(errors.length, 1, errors.join('\n'))
    assert.match(errors[0] ?? '', expected)
  })
}

test('without an internal storage there is one error, however the file is empty of it', () => {
  assert.deepEqual(errorsOf(''), ['there is no storage; exactly one of type INTERNAL is needed'])
  assert.deepEqual(errorsOf('{}'), ['there is no storage; exactly one of type INTERNAL is needed'])
  assert.deepEqual(errorsOf('storageID a\ntype OPTIONAL\ntarget /a'), [
    'no storage has type INTERNAL; exactly one of type INTERNAL is needed',
  ])
})

test('an error is not followed by others that it alone causes', () => {
  for (const [text, expected] of [
    ['storageID a\ntype INTERN\ntarget /a', /^2: storage 'a': type must be/],
    ['storageID a\ntarget /a', /^1: storage 'a': type is missing/],
    [`status_port x\nmessage_port 47199\n${least}`, /^1: status_port must be/],
    [`fillstate_limit x\nfillstate_low_water 90\n${least}`, /^1: fillstate_limit must be/],
    [`ramdisk_mountpoint x\nbuffer_directory /ram\n${least}`, /^1: ramdisk_mountpoint must be/],
    ['target x\nstorageID a\ntype INTERNAL', /^1: target must be/],
  ] as const) {
    const errors = errorsOf(text)
    assert.equal(errors.length, 1, errors.join('\n'))
    assert.match(errors[0] ?? '', expected)
  }
})

test('targets are compared as the directories that they are', () => {
  const targets = (a: string, b: string): string =>
    `storageID a\ntype INTERNAL\ntarget ${a}\nstorageID b\ntype OPTIONAL\ntarget ${b}`
  for (const [a, b] of [
    ['/a/./b', '/a/b/c'],
    ['/a/b', '/a/./b/c'],
    ['/./a', '/a'],
    ['/a/', '//a'],
  ] as const) {
    assert.match(errorsOf(targets(a, b)).join(), /^4: storage 'b': target .* lie in one another; give each its own$/)
  }
  assert.equal(parse(targets('/a/b', '/a/bc')).storages.length, 2)
})

test('preserve_uid_gid together with a newer key is refused', () => {
  const [error, ...more] = errorsOf(`preserve_uid YES\npreserve_uid_gid NO\n${least}`)
  assert.match(error ?? '', /^2: preserve_uid_gid can't be given together/)
  assert.deepEqual(more, [])
})

test('all errors of a file are found in one run, in the order of the file', () => {
  const error = refusalOf(
    'colour blue\nlogfile x\nstatus_port 5\nstatus_port 6\nstorageID a\ntype INTERNAL\nn_copy_processes x\ntarget a\nfoo',
    '/etc/g.conf',
  )
  assert.deepEqual(
    error.failures.map(({ position, path, code }) => [position?.line, path, code]),
    [1, 2, 4, 7, 8, 9].map((line) => [line, '/etc/g.conf', 'ERR_SUSTEN_CONFIG']),
  )
  assert.match(error.message, /^\/etc\/g\.conf:1: unknown key 'colour'.* \(and 5 more errors\)$/)
  assert.deepEqual([error.path, error.position], ['/etc/g.conf', { line: 1 }])
  assert.ok(Object.isFrozen(error.failures))
})

test('a storage with something wrong in it is still looked at for its place', () => {
  const text = `ramdisk_mountpoint /ram
journal_directory /data/journal
storageID a
type INTERN
target /data
storageID b
type OPTIONAL
target /data/b
n_copy_processes 0
storageID b
type OPTIONAL
target /ram/x
`
  const found = errorsOf(text)
  for (const expected of [
    /^2: journal_directory '\/data\/journal' and the target of storage 'a' lie in one another/,
    /^4: storage 'a': type must be/,
    /^6: storage 'b': target '\/data\/b' and that of storage 'a' \(line 3\) lie in one another/,
    /^9: storage 'b': n_copy_processes must be/,
    /^10: storage 'b' is there twice/,
    /^10: storage 'b': target '\/ram\/x' and ramdisk_mountpoint '\/ram' lie in one another/,
  ]) {
    assert.ok(
      found.some((error) => expected.test(error)),
      `${expected}: ${found.join('\n')}`,
    )
  }
  assert.equal(found.length, 6)
})

test('a single error is the message itself', () => {
  const error = refusalOf(`foo\n${least}`)
  assert.equal(error.message, error.failures[0]?.message)
})

/** JSON that is none, and where. */
const brokenJson: Record<string, RegExp> = {
  '{': /^1:2: the JSON ends too early; expected a key in double quotes$/,
  '{\n  "a": 1,\n}': /^3:1: expected a key in double quotes, found '}'$/,
  '{"a" 1}': /^1:6: expected ':', found '1'$/,
  '{"a": }': /^1:7: expected a value, found '}'$/,
  '{"a": yes}': /^1:7: expected a value, found 'yes'$/,
  "{'a': 1}": /^1:2: expected a key in double quotes, found '''$/,
  '{"a": 1 "b": 2}': /^1:9: expected ',' or '}', found '"'$/,
  '{"a": [1 2]}': /^1:10: expected ',' or '\]', found '2'$/,
  '{"a": [1,]}': /^1:10: expected a value, found '\]'$/,
  '{"a": 01}': /^1:7: '01' is no number of JSON$/,
  '{"a": 0x10}': /^1:7: '0x10' is no number of JSON$/,
  '{"a": 1.}': /^1:7: '1\.' is no number of JSON$/,
  '{"a": -}': /^1:7: '-' is no number of JSON$/,
  '{"a": +1}': /^1:7: expected a value, found '\+1'$/,
  '{"a": "x': /^1:9: the JSON ends within a string; expected '"'$/,
  '{"a": "x\ny"}': /^1:9: a string holds a line end or another control character/,
  '{"a": "\\x"}': /^1:8: '\\x' is no escape of JSON$/,
  '{"a": "\\u00g0"}': /^1:8: '\\u' is no escape of JSON$/,
  '{} x': /^1:4: expected the end of the file, found 'x'$/,
  '{}\n// end': /^2:1: JSON has no comments; expected the end of the file$/,
  [`{"a": ${'['.repeat(500_000)}`]: /^1:22: nested more than 16 deep$/,
}

for (const [text, expected] of Object.entries(brokenJson)) {
  test(`the JSON ${JSON.stringify(text.slice(0, 40))} is refused with line and column`, () => {
    const errors = errorsOf(text)
    assert.equal(errors.length, 1)
    assert.match(errors[0] ?? '', expected)
  })
}

test('an empty file named .json is refused as JSON', () => {
  assert.deepEqual(errorsOf('', 'a.json'), ['1:1: the JSON ends too early; expected a value'])
  assert.match(errorsOf(least, 'a.json')[0] ?? '', /^1:1: expected a value, found 'storageID'$/)
})

test('JSON that is no configuration is refused with line, column and key', () => {
  assert.deepEqual(errorsOf('[]', 'a.json'), ['1:1: the configuration must be an object, not a list'])
  assert.deepEqual(errorsOf('{"storages": {}}'), ['1:14: storages must be a list of objects, not an object'])
  const errors = errorsOf(`{
  "logfile": 5, "logfile": "/x",
  "create_links": "yes",
  "bind_address": [],
  "status_port": "47199",
  "type": "INTERNAL",
  "storages": [
    { "storageID": "a", "type": "internal", "target": null },
    { "storageID": "b", "create_links": true, "type": "INTERNAL", "target": "/b", "n_copy_processes": 8.5 },
    7
  ],
  "storages": [],
  "$schema": {},
  "journal_directory": "/a\\u0000b",
  "file_pipe": "/a\\ud800"
}`)
  assert.deepEqual(errors, [
    '2:14: logfile must be an absolute path, not 5',
    '2:17: logfile is given twice, first in line 2',
    "3:19: create_links must be YES or NO, not 'yes'",
    "4:19: bind_address must be 1 to 16 different IP addresses, as '127.0.0.1' or '::1', not a list",
    "5:18: status_port must be a whole number from 1 to 65535, not '47199'",
    "6:3: type is a key of a storage; move it to its object in the list 'storages'",
    "8:33: storage 'a': type must be INTERNAL or EXTERNAL or OPTIONAL, not 'internal'",
    "8:55: storage 'a': target must be an absolute path, not null",
    "9:25: storage 'b': create_links is a key of the whole file, not of a storage; move it to the top level, beside 'storages'",
    "9:103: storage 'b': n_copy_processes must be a whole number from 1 to 256, not 8.5",
    '10:5: storages must be a list of objects, not of a number',
    '12:3: storages is given twice, first in line 7',
    '13:14: $schema must be a string, not an object',
    '14:24: journal_directory must have no control characters, nor halves of characters',
    '15:16: file_pipe must have no control characters, nor halves of characters',
  ])
})

test('messages repeat nothing that a terminal would obey, and nothing long', () => {
  const tricky = refusalOf(`{"logfile": "\\u001b[2J\\u202e", "${'k'.repeat(1000)}": 1, "storages": []}`, 'a\u001b.json')
  for (const { message } of tricky.failures) {
    assert.doesNotMatch(message, /[\p{Cc}\u202e]/u)
    assert.ok(message.length < 600, message)
  }
  assert.match(tricky.failures[0]?.message ?? '', /\\u001b\[2J\\u202e/)
})

function rubbish(length: number): Uint8Array {
  const random = createRandom(length)
  return Uint8Array.from({ length }, () => random.below(256))
}

/** Files that are no text: one error each. */
const noText: Record<string, [Uint8Array, RegExp]> = {
  'a NUL byte': [Buffer.from(`${least}\n\0`), /^5: a NUL byte; save the file as UTF-8 text$/],
  'Latin-1': [Buffer.from(`${least}# gr\xfcn\n`, 'latin1'), /^4: is not UTF-8; save the file as UTF-8 text$/],
  'Latin-1 in the last line': [Buffer.from(`${least}# gr\xfc`, 'latin1'), /^4: is not UTF-8/],
  'UTF-16': [Buffer.from(`\ufeff${least}`, 'utf16le'), /NUL byte|not UTF-8/],
  'more than 1 MiB': [Buffer.from(`${'#'.repeat(99)}\n`.repeat(10_486)), /^is larger than 1 MiB$/],
  '10 MB of rubbish': [rubbish(10_000_000), /^is larger than 1 MiB$/],
  '1 MB of rubbish': [rubbish(1_000_000), /NUL byte|not UTF-8/],
}

for (const [what, [bytes, expected]] of Object.entries(noText)) {
  test(`a file with ${what} is refused with one error`, () => {
    const errors = errorsOf(bytes)
    assert.equal(errors.length, 1)
    assert.match(errors[0] ?? '', expected)
  })
}

test('a text of 1 MiB that is no configuration is refused with 100 errors and the number of the others', () => {
  for (const [text, count] of [
    ['x\n'.repeat(2 ** 19), 2 ** 19],
    [`{${'"x":1,'.repeat(2 ** 17)}"x":1}`, 2 ** 17 + 1],
  ] as const) {
    const errors = errorsOf(text)
    assert.equal(errors.length, 101)
    // No storage is there either.
    assert.equal(errors[100], `${count + 1 - 100} more errors; is this a configuration of Grimsel?`)
  }
})

test('a text of one line of 1 MiB is refused as such', () => {
  assert.match(errorsOf('x'.repeat(2 ** 20)).join(), /^1: the line is longer than 8192 characters,there is no storage/)
  assert.deepEqual(errorsOf(`{"a": "${'\\n'.repeat(2 ** 18)}`), [
    `1:${8 + 2 ** 19}: the JSON ends within a string; expected '"'`,
  ])
  assert.match(errorsOf(`{"a": ${'1'.repeat(2 ** 19)}x}`).join(), /^1:7: '1+…' is no number of JSON$/)
})

test('whatever happens to a file, it is read or refused as a configuration', () => {
  const random = createRandom(3)
  const samples = [
    `${least}fillstate 80\n${least.replaceAll('INTERNAL', 'EXTERNAL')}`,
    JSON.stringify(leastJson(), null, 1),
  ]
  let taken = 0
  for (const sample of samples.map((text) => Buffer.from(text))) {
    for (let run = 0; run < 1000; run++) {
      const bytes = Buffer.from(sample)
      for (let change = random.below(4); change >= 0; change--) bytes[random.below(bytes.length)] = random.below(128)
      const cut = bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : bytes.length)
      try {
        parse(cut.toString('latin1'))
        taken++
      } catch {
        for (const error of errorsOf(cut)) assert.match(error, /^(\d+:(\d+:)? )?\S/)
      }
    }
  }
  assert.ok(taken > 0)
})
