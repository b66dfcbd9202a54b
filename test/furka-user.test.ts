import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SustenError } from 'susten'
import { changeDetectors, parseDetector, receivingPlace } from '#lib/furka/detectors.js'
import { type FurkaUser, parseUser, resolveUser, type UserChange } from '#lib/furka/user.js'
import { least, parse, parseJson } from './support/furka-config.js'

/** What a call that is refused says. */
function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof SustenError, String(error))
    assert.equal(error.code, 'ERR_SUSTEN_OPTION')
    return error.message
  }
  return assert.fail('it was taken')
}

const taken: Record<string, UserChange> = {
  '1000:1000': { uid: 1000, gid: 1000 },
  '500::HelloWorld': { uid: 500, userDirectory: 'HelloWorld' },
  '500': { uid: 500 },
  '500:': { uid: 500 },
  '500::': { uid: 500 },
  ':501': { gid: 501 },
  ':501:': { gid: 501 },
  '::visit7': { userDirectory: 'visit7' },
  '500:501:a//b/./c/': { uid: 500, gid: 501, userDirectory: 'a/b/c' },
  '500:501:.': { uid: 500, gid: 501, userDirectory: '' },
  '500:501:./x': { uid: 500, gid: 501, userDirectory: 'x' },
  '0:0:a:b': { uid: 0, gid: 0, userDirectory: 'a:b' },
  '4294967294:4294967294': { uid: 4_294_967_294, gid: 4_294_967_294 },
  '::$UID_$GID': { userDirectory: '$UID_$GID' },
  '::..a/b../...': { userDirectory: '..a/b../...' },
}

for (const [text, expected] of Object.entries(taken)) {
  test(`-u ${text} is taken`, () => {
    assert.deepEqual(parseUser(text), expected)
  })
}

const refused: Record<string, RegExp> = {
  '': /^user '': names nobody; at least one part must be given; \[UID\]:\[GID\]:\[DIRECTORY\] is taken/,
  ':': /names nobody/,
  '::': /names nobody/,
  'root:0': /^user 'root:0': the uid must be a number, not 'root'; /,
  '0:root': /the gid must be a number, not 'root'/,
  '-1:0': /the uid must be a number, not '-1'/,
  ' 5': /the uid must be a number, not ' 5'/,
  '5\n': /the uid must be a number, not '5\\u000a'/,
  '4294967295': /the uid must be at most 4294967294/,
  ':99999999999': /the gid must be at most 4294967294/,
  '500:500:/data/visit': /the user directory must be relative; leave out the '\/'/,
  '500:500://': /the user directory must be relative/,
  '500:500:..': /the user directory must have no '\.\.'/,
  '500:500:a/../../etc': /the user directory must have no '\.\.'/,
  '500:500:a/..': /the user directory must have no '\.\.'/,
  '500:500:a\nb': /the user directory must have no control characters/,
  '500:500:a\0b': /the user directory must have no control characters/,
  '500:500:$HOME': /the user directory must have no '\$' but in \$UID and \$GID/,
  [`::${'x'.repeat(256)}`]: /no name of more than 255 bytes/,
  [`::${'ü'.repeat(128)}`]: /no name of more than 255 bytes/,
  [`::${'x/'.repeat(600)}`]: /at most 1024 bytes long/,
}

for (const [text, expected] of Object.entries(refused)) {
  test(`-u ${JSON.stringify(text.slice(0, 40))} is refused with what is wrong and what is taken`, () => {
    assert.match(
      refusal(() => parseUser(text)),
      expected,
    )
  })
}

test('what a change of user leaves open is as the configuration has it', () => {
  const base = { uid: 500, gid: 501, userDirectory: '$UID_$GID' }
  const all: [string, FurkaUser][] = [
    ['7', { uid: 7, gid: 501, userDirectory: '7_501' }],
    [':7', { uid: 500, gid: 7, userDirectory: '500_7' }],
    ['::a/$GID', { uid: 500, gid: 501, userDirectory: 'a/501' }],
    ['1:2:x', { uid: 1, gid: 2, userDirectory: 'x' }],
    ['1:2:.', { uid: 1, gid: 2, userDirectory: '' }],
  ]
  for (const [text, expected] of all) assert.deepEqual(resolveUser(parseUser(text), base), expected)
  assert.deepEqual(resolveUser({}, base), { uid: 500, gid: 501, userDirectory: '500_501' })
  assert.deepEqual(resolveUser({}, parse(least).user), { uid: 500, gid: 500, userDirectory: '500_500' })
  assert.deepEqual(resolveUser({ uid: 5 }, parseJson().user), { uid: 5, gid: 0, userDirectory: '' })
})

test('every place of the numbers in a user directory is filled', () => {
  const base = { uid: 12, gid: 345, userDirectory: '$UID/$UID$GID/x$GIDs' }
  assert.equal(resolveUser({}, base).userDirectory, '12/12345/x345s')
})

test('a user who did not come through -u is looked at as well', () => {
  const base = parse(least).user
  const said = (change: unknown): string => refusal(() => resolveUser(change as UserChange, base))
  assert.match(said({ uid: '500' }), /^option 'uid' must be a whole number from 0 to 4294967294, not '500'$/)
  assert.match(said({ gid: -1 }), /^option 'gid' must be/)
  assert.match(said({ userDirectory: '/etc' }), /^option 'userDirectory' must be relative; .*, not '\/etc'$/)
  assert.match(said({ userDirectory: 'a/../..' }), /^option 'userDirectory' must have no '\.\.', not 'a\/\.\.\/\.\.'$/)
  assert.match(said({ userDirectory: 7 }), /^option 'userDirectory' must be text$/)
  assert.match(said({ user: 5 }), /unknown option 'user'/)
  assert.match(said('500:500'), /options must be an object/)
})

test('-d names a detector, its source, its target, or both', () => {
  assert.deepEqual(parseDetector('1MF:/:/ramdisk/1mf'), { id: '1MF', source: '/', target: '/ramdisk/1mf' })
  assert.deepEqual(parseDetector('1MF::/ramdisk/./1mf/'), { id: '1MF', target: '/ramdisk/./1mf' })
  assert.deepEqual(parseDetector('1MF:/p11/./raw'), { id: '1MF', source: '/p11/raw' })
  assert.deepEqual(parseDetector('1MF:/a:/b:c'), { id: '1MF', source: '/a', target: '/b:c' })
})

for (const [text, expected] of Object.entries({
  '': /^detector '': it must begin with the detectorID; ID:\[SOURCE\]:\[TARGET\] is taken/,
  ':/:/ramdisk': /it must begin with the detectorID/,
  '1MF': /it changes nothing/,
  '1MF::': /it changes nothing/,
  '1MF:raw:/ramdisk': /the source must be an absolute path, not 'raw'/,
  '1MF:/:ramdisk': /the target must be an absolute path, not 'ramdisk'/,
  '1MF:/../etc:/ramdisk': /the source must have no '\.\.'/,
  '1MF:/:/ramdisk/../etc': /the target must have no '\.\.'/,
  '1MF:/:/a\nb': /the target must have no control characters/,
})) {
  test(`-d ${JSON.stringify(text)} is refused`, () => {
    assert.match(
      refusal(() => parseDetector(text)),
      expected,
    )
  })
}

const two = `required_mount /ramdisk\n${least}detectorID 2MF\nremoteIP 10.0.0.2\ntarget /ramdisk/2mf\n`

test('other sources and targets make another configuration, and leave the first', () => {
  const config = parse(two)
  const changes = ['1MF:/raw:/ramdisk/./1mf', '2MF:/x'].map(parseDetector)
  const changed = changeDetectors(config, changes)
  assert.deepEqual(
    changed.detectors.map(({ id, source, target }) => [id, source.protocol === 'rsync' && source.path, target]),
    [
      ['1MF', '/raw', '/ramdisk/./1mf'],
      ['2MF', '/x', '/ramdisk/2mf'],
    ],
  )
  assert.deepEqual({ ...changed, detectors: config.detectors }, config)
  assert.deepEqual(config, parse(two))
  assert.ok(changed.detectors.every((detector) => Object.isFrozen(detector) && Object.isFrozen(detector.source)))
  assert.deepEqual(changeDetectors(config, []), config)
})

test('sources and targets that the configuration could not have are refused', () => {
  const said = (...texts: string[]): string => refusal(() => changeDetectors(parse(two), texts.map(parseDetector)))
  assert.equal(said('3MF:/'), "there is no detector '3MF'; known are '1MF', '2MF'")
  assert.equal(said('1MF:/', '1MF:/x'), "detector '1MF' is given twice")
  assert.match(
    said('1MF::/data'),
    /^detector '1MF': target '\/data' must be the required mount, '\/ramdisk', or lie below/,
  )
  assert.match(said('1MF::/'), /^detector '1MF': target '\/' must not be the root directory/)
  assert.match(
    refusal(() => changeDetectors(parseJson(), [parseDetector('EIGER:/x')])),
    /^detector 'EIGER' has no source to choose/,
  )
})

test("a user's files go below the target's /./, or below all of it", () => {
  const place = (target: string, directory: string): string[] => {
    const { root, layout, path } = receivingPlace(target, directory)
    return [root, layout, path]
  }
  assert.deepEqual(place('/ramdisk/./imgdir', '5_6'), ['/ramdisk', 'imgdir/5_6', '/ramdisk/imgdir/5_6'])
  assert.deepEqual(place('/ramdisk/imgdir', '5_6'), ['/ramdisk/imgdir', '5_6', '/ramdisk/imgdir/5_6'])
  assert.deepEqual(place('/ramdisk/./imgdir', ''), ['/ramdisk', 'imgdir', '/ramdisk/imgdir'])
  assert.deepEqual(place('/mnt/data_buffer', ''), ['/mnt/data_buffer', '', '/mnt/data_buffer'])
  assert.deepEqual(place('/./a', 'ü'), ['/', 'a/\xc3\xbc', '/a/\xc3\xbc'])
})
