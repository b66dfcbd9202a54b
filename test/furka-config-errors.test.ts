import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsOf, least, leastJson, parse, refusalOf } from './support/furka-config.js'
import { createRandom } from './support/random.js'

/** What is wrong with one line among the keys of the whole file. */
const globally: Record<string, RegExp> = {
  'log_file /x': /^1: unknown key 'log_file'; did you mean 'logfile'\?$/,
  'USER_DIR x': /^1: unknown key 'USER_DIR'; did you mean 'usrdir'\?$/,
  'colour blue': /^1: unknown key 'colour'; known are logfile, .*, confirm$/,
  'EIGER_HOST 10.0.0.1': /^1: EIGER_HOST is a key of the JSON form; here it is remoteIP, below a detectorID$/,
  'TARGET_DIR /x': /^1: TARGET_DIR is a key of the JSON form; here it is target, below a detectorID$/,
  'target /x': /^1: target is a key of a detector; move it below its detectorID$/,
  'protocol RSYNC': /^1: protocol is a key of a detector; /,
  'uid root': /^1: uid must be a whole number from 0 to 4294967294, not 'root'$/,
  'gid 4294967295': /^1: gid must be a whole number from 0 to 4294967294, not '4294967295'$/,
  'uid -1': /not '-1'$/,
  'uid 5\nuid 6': /^2: uid is given twice, first in line 1$/,
  'usrdir /abs': /^1: usrdir must be relative; leave out the '\/' at its beginning$/,
  'usrdir a/../b': /^1: usrdir must have no '\.\.'$/,
  'usrdir ..': /^1: usrdir must have no '\.\.'$/,
  'usrdir .susten-foo':
    /^1: usrdir must have no name that begins with '\.susten-', as this program's own temporary files do$/,
  'usrdir a/.susten-$UID/b': /^1: usrdir must have no name that begins with '\.susten-'/,
  'usrdir $USER': /^1: usrdir must have no '\$' but in \$UID and \$GID$/,
  'usrdir $uid': /^1: usrdir must have no '\$'/,
  'usrdir a # b': /^1: usrdir has a '#' after it; put the path in quotes/,
  [`usrdir ${'x'.repeat(256)}`]: /^1: usrdir must have no name of more than 255 bytes$/,
  [`usrdir ${'x'.repeat(246)}$GID`]: /^1: usrdir must have no name of more than 255 bytes$/,
  [`usrdir ${'x/'.repeat(513)}`]: /^1: usrdir must be at most 1024 bytes long$/,
  'logfile x': /^1: logfile must be an absolute path, not 'x'$/,
  'grimsel yes': /^1: grimsel must be CONTROL or PIPE or NONE, not 'yes'$/,
  'confirm now': /^1: confirm must be BUFFER or INTERNAL or EXTERNAL, not 'now'$/,
  'grimsel PIPE\nconfirm INTERNAL': /^2: confirm INTERNAL needs grimsel CONTROL, not PIPE: only by its control socket/,
  'grimsel NONE\nconfirm external': /^2: confirm EXTERNAL needs grimsel CONTROL, not NONE/,
  [`control_socket /${'x'.repeat(107)}`]: /^1: control_socket must be at most 107 bytes long$/,
  'control_socket /var/run/grimsel_dectris_control':
    /^1: control_socket '.*' is the default of grimsel_socket, too$|^1: grimsel_socket '.*' \(the default\) is control_socket too$/,
  'logfile /var/lib/susten/furka/log':
    /^1: logfile '.*' lies in journal_directory '.*' \(the default\), which is the journal's alone$/,
  'required_mount /mnt':
    /^2: detector '1MF': target '\/ramdisk' \(the default\) must be required_mount '\/mnt', or lie below it$/,
  'required_mount /ramdisk\njournal_directory /ramdisk':
    /^2: journal_directory '\/ramdisk' lies on required_mount '\/ramdisk', whose content is lost$/,
  'journal_directory /ramdisk/j':
    /^2: detector '1MF': target '\/ramdisk' \(the default\) and journal_directory '\/ramdisk\/j' must not lie in one an/,
  '[global]': /^1: '\[global\]' is no section; sections begin with 'detectorID NAME'$/,
  'storageID disk\ntype INTERNAL':
    /^1: storageID begins a section of Grimsel's configuration; Furka's begin with detectorID$/,
}

for (const [lines, expected] of Object.entries(globally)) {
  test(`${JSON.stringify(lines.slice(0, 60))} is refused, with its line and what is allowed`, () => {
    const errors = errorsOf(`${lines}\n${least}`)
    assert.match(errors[0] ?? '', expected)
    if (!lines.startsWith('required_mount /ramdisk')) assert.equal(errors.length, 1, errors.join('\n'))
  })
}

/** What is wrong with a second detector, from line 3 on. */
const inDetector: Record<string, RegExp> = {
  detectorID:
    /^3: detector number 2: detectorID must be a name of 1 to 64 characters without blanks and colons, not empty$/,
  'detectorID a b': /^3: detector 'a b': detectorID must be a name of .*, not 'a b'$/,
  'detectorID a:b': /^3: detector 'a:b': detectorID must be a name of .*, not 'a:b'$/,
  'detectorID 1MF': /^3: detector '1MF' is there twice, first in line 1; each needs a detectorID of its own$/,
  'detectorID b\nuid 5':
    /^4: detector 'b': uid is a key of the whole file, not of a detector; move it above the first det/,
  'detectorID b\nmin_pause 5': /^4: detector 'b': unknown key 'min_pause'; did you mean 'minpause'\?$/,
  'detectorID b\nminpause 5ms': /^4: detector 'b': minpause must be a whole number from 0 to 60000, not '5ms'$/,
  'detectorID b\ninterrun_pause 60001': /not '60001'$/,
  'detectorID b\nstaging shm': /^4: detector 'b': staging must be an absolute path, not 'shm'$/,
  'detectorID b\nprotocol ftp': /^4: detector 'b': protocol must be RSYNC or FILEWRITER or DIRECTORY, not 'ftp'$/,
  'detectorID b\nport 0': /^4: detector 'b': port must be a whole number from 1 to 65535, not '0'$/,
  'detectorID b\nmodule a/b': /^4: detector 'b': module must be a module's name: .*, not 'a\/b'$/,
  'detectorID b\nmodule -x': /not '-x'$/,
  'detectorID b\nsource raw': /^4: detector 'b': source must be an absolute path, not 'raw'$/,
  'detectorID b\nsource /../etc': /^4: detector 'b': source must have no '\.\.'$/,
  'detectorID b\ntarget ramdisk': /^4: detector 'b': target must be an absolute path, not 'ramdisk'$/,
  'detectorID b\ntarget /./': /^3: detector 'b': target '\/' must not be the root directory; name one below it$/,
  'detectorID b\ntarget /var/lib':
    /^3: detector 'b': target '\/var\/lib' and journal_directory '\/var\/lib\/susten\/furka' \(the default\) must not/,
  'detectorID b\nsettle 100': /^4: detector 'b': settle is for protocol DIRECTORY, but this one's is RSYNC$/,
  'detectorID b\napi_version 1.8.0':
    /^4: detector 'b': api_version is for protocol FILEWRITER, but this one's is RSYNC$/,
  'detectorID b\nprotocol FILEWRITER\nsource /':
    /^5: detector 'b': source is for protocol RSYNC and DIRECTORY, but this one's is FILEWRITER$/,
  'detectorID b\nprotocol FILEWRITER\napi_version 1.8':
    /^5: detector 'b': api_version must be AUTO or a version of the API, as '1\.8\.0', not '1\.8'$/,
  'detectorID b\nprotocol FILEWRITER\npoll_arriving 200':
    /^5: detector 'b': poll_arriving 200 ms must not be above poll_acquiring 100 ms \(the default\)$/,
  'detectorID b\nprotocol FILEWRITER\npoll_idle 50':
    /^5: detector 'b': poll_acquiring 100 ms \(the default\) must not be above poll_idle 50 ms$/,
}

for (const [lines, expected] of Object.entries(inDetector)) {
  test(`in a detector, ${JSON.stringify(lines.slice(0, 60))} is refused once, with its line and detector`, () => {
    const errors = errorsOf(`${least}${lines}\nremoteIP 10.0.0.2\n`)
    assert.equal(errors.length, 1, errors.join('\n'))
    assert.match(errors[0] ?? '', expected)
  })
}

test('what a detector needs is said where its section begins', () => {
  assert.deepEqual(errorsOf('detectorID a'), [
    "1: detector 'a': remoteIP is missing: a host name or an IP address, as '10.42.41.10'",
  ])
  assert.match(errorsOf('detectorID a\nprotocol FILEWRITER').join(), /^1: detector 'a': remoteIP is missing/)
  assert.deepEqual(errorsOf('detectorID a\nprotocol DIRECTORY'), [
    "1: detector 'a': source is missing: the directory that the detector writes to",
  ])
})

test('a server with its port is told which key the port has', () => {
  const said = 'must be a host without its port; that goes to a key of its own: port 8080'
  for (const server of ['h:8080', '10.0.0.1:8080', '[fd00::1]:8080']) {
    assert.deepEqual(errorsOf(`detectorID a\nremoteIP ${server}`), [`2: detector 'a': remoteIP ${said}`])
  }
  assert.match(errorsOf('detectorID a\nremoteIP a_b:8080').join(), /remoteIP must be a host name or an IP address/)
})

test('without a detector there is one error', () => {
  assert.deepEqual(errorsOf(''), ["there is no detector; at least one section 'detectorID NAME' is needed"])
})

test('two detectors that would fetch the same files are refused', () => {
  const twice = (first: string, second: string): string[] =>
    errorsOf(`detectorID a\n${first}\ndetectorID b\n${second}\n`).filter((error) =>
      /fetches the same files/.test(error),
    )
  assert.match(
    twice('remoteIP h', 'remoteIP H').join(),
    /detector 'b': fetches the same files as detector 'a'; each file/,
  )
  assert.equal(twice('remoteIP h\nsource /x', 'remoteIP h\nsource /x/y').length, 1)
  assert.equal(twice('protocol FILEWRITER\nremoteIP h', 'protocol FILEWRITER\nremoteIP h\nport 80').length, 1)
  assert.equal(twice('protocol DIRECTORY\nsource /n', 'protocol DIRECTORY\nsource /n/m').length, 1)
  for (const second of ['remoteIP h\nsource /y', 'remoteIP i', 'remoteIP h\nport 9', 'remoteIP h\nmodule m']) {
    const first = 'remoteIP h\nsource /x'
    assert.equal(parse(`detectorID a\n${first}\ndetectorID b\n${second}\n`).detectors.length, 2, second)
  }
})

test('a directory that files are fetched from must not be one that they are written to', () => {
  const directory = (source: string): string =>
    `${least}detectorID nfs\nprotocol DIRECTORY\ntarget /r2\nsource ${source}`
  for (const source of ['/ramdisk', '/ramdisk/x', '/', '/r2']) {
    assert.match(
      errorsOf(directory(source)).join(),
      /^3: detector 'nfs': source '.*' and target '\/r.*' of detector '.*' lie in/,
    )
  }
  assert.match(
    errorsOf(directory('/run')).join(),
    /^3: detector 'nfs': source '\/run' and staging '\/run\/furka_dectris' of detector '1MF' lie in/,
  )
  assert.equal(parse(directory('/nfs')).detectors.length, 2)
})

test('JSON is refused with line, column and key', () => {
  assert.deepEqual(
    errorsOf(`{
  "EIGER_HOST": "http://10.42.41.10",
  "GID": "1000", "GID": 5,
  "UID": -1,
  "USER_DIR": "/visit",
  "TARGET_DIR": "data",
  "LOGFILE": "/x",
  "remoteIP": "10.0.0.1",
  "HTTPS": "maybe",
  "API_VERSION": "2",
  "CONNECTIONS": 17,
  "POLL_ARRIVING": 500,
  "$schema": 5
}`),
    [
      "2:17: EIGER_HOST must be a host, not a URL; leave out 'http://' and what follows the host",
      "3:10: GID must be a whole number from 0 to 4294967294, not '1000'",
      '3:18: GID is given twice, first in line 3',
      '4:10: UID must be a whole number from 0 to 4294967294, not -1',
      "5:15: USER_DIR must be relative; leave out the '/' at its beginning",
      "6:17: TARGET_DIR must be an absolute path, not 'data'",
      "7:3: unknown key 'LOGFILE'; did you mean 'LOG_FILE'?",
      '8:3: remoteIP is a key of the form with sections; in JSON the server is EIGER_HOST',
      "9:12: HTTPS must be YES or NO, not 'maybe'",
      "10:18: API_VERSION must be AUTO or a version of the API, as '1.8.0', not '2'",
      '11:18: CONNECTIONS must be a whole number from 1 to 16, not 17',
      '12:3: POLL_ARRIVING 500 ms must not be above POLL_ACQUIRING 100 ms (the default)',
      '13:14: $schema must be a string, not a number',
    ],
  )
})

test('JSON without a server is refused', () => {
  assert.deepEqual(errorsOf('{}'), [
    "EIGER_HOST is missing: a host name or an IP address, with or without a port, as '10.42.41.10' or '10.42.41.10:8080'",
  ])
})

test('places in JSON that do not get along are refused', () => {
  const objections = (more: object): string => errorsOf(JSON.stringify({ ...leastJson(), ...more })).join('\n')
  assert.match(objections({ TARGET_DIR: '/' }), /^1:\d+: TARGET_DIR '\/' must not be the root directory; /)
  assert.match(
    objections({ REQUIRED_MOUNT: '/ram' }),
    /^1:\d+: TARGET_DIR '\/mnt\/data_buffer' \(the default\) must be REQUIRED_MOUNT '\/ram', or lie below it$/,
  )
  assert.match(
    objections({ JOURNAL_DIR: '/mnt/data_buffer/j' }),
    /^1:\d+: TARGET_DIR '.*' \(the default\) and JOURNAL_DIR '.*' must not lie in one another: what is on a RAM/,
  )
  assert.match(
    objections({ TARGET_DIR: '/var/lib' }),
    /TARGET_DIR '\/var\/lib' and JOURNAL_DIR '\/var\/lib\/susten\/furka' \(the default\) must not/,
  )
  const file = '{\n"EIGER_HOST": "h",\n"REQUIRED_MOUNT": "/mnt",\n"JOURNAL_DIR": "/mnt/data_buffer/j"\n}'
  assert.match(
    errorsOf(file).join('\n'),
    /^4:1: TARGET_DIR /m,
    'the place of what is at fault, where the other is a default',
  )
  assert.match(objections({ GRIMSEL: 'PIPE', CONFIRM: 'INTERNAL' }), /^1:\d+: CONFIRM INTERNAL needs GRIMSEL CONTROL/)
})

for (const host of [
  '',
  ' ',
  'a b',
  '-x',
  'x-',
  'a..b',
  '.',
  '10.0.0.256',
  '10.0.0',
  '1',
  'a:b',
  'a:0',
  'a:080',
  'a:65536',
]) {
  test(`the server '${host}' is refused`, () => {
    assert.match(
      errorsOf(JSON.stringify({ EIGER_HOST: host })).join(),
      /^1:15: EIGER_HOST must be a host name or an IP/,
    )
  })
}

for (const host of [
  '[::1',
  '[10.0.0.1]',
  '[x]:80',
  'a/b',
  'a@b',
  'x'.repeat(64),
  `${'x.'.repeat(127)}x`,
  'é',
  'a_b',
  'a:',
]) {
  test(`the server '${host.slice(0, 40)}' is refused`, () => {
    assert.match(
      errorsOf(JSON.stringify({ EIGER_HOST: host })).join(),
      /^1:15: EIGER_HOST must be a host name or an IP/,
    )
  })
}

test('a detector with something wrong in it is still looked at for its target', () => {
  const found = errorsOf(`required_mount /ram
journal_directory /ram2/j
detectorID a
protocol RSINC
target /data
detectorID b
remoteIP 10.0.0.1
port 0
target /ram2
detectorID b
remoteIP 10.0.0.2
target /
detectorID c
remoteIP 10.0.0.1
target x
`)
  assert.deepEqual(
    found.map((error) => error.replace(/^(\d+: \w+ '\w+'(:| is) (target|\S+ \S+) ?).*/, '$1').trimEnd()),
    [
      "3: detector 'a': target",
      "4: detector 'a': protocol must",
      "6: detector 'b': target",
      "6: detector 'b': target",
      "8: detector 'b': port must",
      "10: detector 'b' is there twice,",
      "10: detector 'b': target",
      "10: detector 'b': target",
      "15: detector 'c': target",
    ],
    found.join('\n'),
  )
})

test('all errors of a file are found in one run, in the order of the file', () => {
  const error = refusalOf('colour blue\nuid x\ndetectorID a\nport x\ntarget a\nfoo', '/etc/f.conf')
  assert.deepEqual(
    error.failures.map(({ position, path, code }) => [position?.line, path, code]),
    [1, 2, 3, 4, 5, 6].map((line) => [line, '/etc/f.conf', 'ERR_SUSTEN_CONFIG']),
  )
})

test('a text that is no configuration of Furka is told with its first errors', () => {
  const errors = errorsOf('x\n'.repeat(1000))
  assert.equal(errors.length, 101)
  assert.equal(errors[100], '901 more errors; is this a configuration of Furka?')
})

test('whatever happens to a file, it is read or refused as a configuration', () => {
  const random = createRandom(5)
  const samples = [
    `uid 5\nusrdir $UID\n${least}detectorID b\nprotocol DIRECTORY\nsource /nfs\n`,
    JSON.stringify({ ...leastJson(), USER_DIR: 'a/$UID', HTTPS: true }, null, 1),
  ]
  for (const sample of samples.map((text) => Buffer.from(text))) {
    for (let run = 0; run < 500; run++) {
      const bytes = Buffer.from(sample)
      for (let change = random.below(4); change >= 0; change--) bytes[random.below(bytes.length)] = random.below(128)
      const cut = bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : bytes.length)
      try {
        parse(cut.toString('latin1'))
      } catch {
        for (const error of errorsOf(cut)) assert.match(error, /^(\d+:(\d+:)? )?\S/)
      }
    }
  }
})
