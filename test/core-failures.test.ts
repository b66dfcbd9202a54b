import assert from 'node:assert/strict'
import test from 'node:test'
import type { ByteString } from '#lib/bytes.js'
import { classify } from '#lib/core/failures.js'

const failure = (code: string) => ({ code, errno: 1, syscall: 'pwrite', path: '/data/f' as ByteString })

test("a quota is the file's own trouble, an empty disk the storage's", () => {
  assert.equal(classify(failure('EDQUOT'), 'storage'), 'file')
  assert.equal(classify(failure('ENOSPC'), 'storage'), 'full')
})

test("attributes that do not fit are the file's own trouble", () => {
  assert.equal(classify({ ...failure('ENOSPC'), syscall: 'fsetxattr' }, 'storage'), 'file')
})
