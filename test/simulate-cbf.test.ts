import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { decodeByteOffset, encodeByteOffset } from '#lib/simulate/byte-offset.js'
import { decodeCbf, encodeCbf } from '#lib/simulate/cbf.js'
import { describeSeries, pilatus } from '#lib/simulate/index.js'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('byte-offset compression', () => {
  // The escapes worked out by hand from the definition, not by the encoder.
  const cases: [string, number[], string][] = [
    ['a first pixel counts from zero', [5], '05'],
    ['small steps up and down take one byte', [1, 128, 1, 0, -127], '01 7f 81 ff 81'],
    ['-128 is the escape, so a step of -128 takes two bytes more', [0, -128], '00 80 80ff'],
    ['a step of 128 takes two bytes more', [128], '80 8000'],
    ['the largest two-byte steps', [32767, 0], '80 ff7f 80 0180'],
    ['-32768 is an escape, so it takes four bytes more', [-32768], '80 0080 0080ffff'],
    ['a step of 32768 takes four bytes more', [32768], '80 0080 00800000'],
    ['the largest four-byte steps', [2147483647, 0], '80 0080 ffffff7f 80 0080 01000080'],
    ['a step of -2147483648 takes eight bytes more', [-2147483648], '80 0080 00000080 00000080ffffffff'],
    [
      'the widest step there is',
      [-2147483648, 2147483647],
      '80 0080 00000080 00000080ffffffff 80 0080 00000080 ffffffff00000000',
    ],
  ]
  for (const [name, pixels, bytes] of cases) {
    it(`${name}`, () => {
      assert.deepEqual(encodeByteOffset(Int32Array.from(pixels)), hex(bytes))
      assert.deepEqual([...decodeByteOffset(hex(bytes), pixels.length)], pixels)
    })
  }

  it('restores any pixels', () => {
    const pixels = new Int32Array(50_000)
    let state = 1
    for (let index = 0; index < pixels.length; index++) {
      state = Math.imul(state, 1_664_525) + 1_013_904_223
      pixels[index] = state >> (state & 31)
    }
    assert.deepEqual(decodeByteOffset(encodeByteOffset(pixels), pixels.length), pixels)
  })

  it('refuses data that end early, go on too long or leave 32 bits', () => {
    assert.throws(() => decodeByteOffset(hex('01'), 2), RangeError)
    assert.throws(() => decodeByteOffset(hex('80 80'), 1), RangeError)
    assert.throws(() => decodeByteOffset(hex('01 01'), 1), /1 bytes follow/)
    assert.throws(() => decodeByteOffset(hex('80 0080 ffffff7f 01'), 2), /beyond 32 bits/)
  })
})

describe('a CBF file', () => {
  const detector = pilatus({ width: 20, height: 10 })
  const series = describeSeries({ detector, name: 'run1/lyso_1', images: 3, started: new Date('2026-01-02T03:04:05Z') })
  const pixels = Int32Array.from({ length: 200 }, (_, index) => (index % 7 === 0 ? -1 : index * index * 100))
  const file = encodeCbf(series, 3, 'run1/lyso_1_00003.cbf', pixels)

  it('holds the image and the conditions', () => {
    const image = decodeCbf(file)
    assert.equal(image.width, 20)
    assert.equal(image.height, 10)
    assert.deepEqual(image.pixels, pixels)
    assert.ok(image.comments.includes('2026-01-02T03:04:05.020'))
    assert.ok(image.comments.includes('Pixel_size 172e-6 m x 172e-6 m'))
    assert.ok(image.comments.includes('Start_angle 0.2000 deg.'))
    assert.ok(image.comments.includes('Angle_increment 0.1000 deg.'))
  })

  it('says its name, its size and the MD5 of its binary data', () => {
    const text = file.toString('latin1')
    assert.ok(text.startsWith('###CBF: VERSION 1.5'))
    assert.ok(text.includes('\r\ndata_lyso_1_00003\r\n'))
    assert.ok(text.includes('_array_data.header_convention "PILATUS_1.2"\r\n'))
    const start = file.indexOf(hex('0c1a04d5')) + 4
    const size = Number(/X-Binary-Size: (\d+)\r\n/.exec(text)?.[1])
    const data = file.subarray(start, start + size)
    assert.equal(/Content-MD5: (\S+)\r\n/.exec(text)?.[1], createHash('md5').update(data).digest('base64'))
    assert.equal(file.toString('latin1', start + size + 4095), '\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n\r\n')
    assert.ok(!/[^\r]\n/.test(text.slice(0, start)), 'every line of the header ends with CR LF')
  })

  it('is refused if any part of the binary section is wrong', () => {
    const start = file.indexOf(hex('0c1a04d5'))
    const flipped = (at: number): Buffer => {
      const copy = Buffer.from(file)
      copy[at] = (copy[at] ?? 0) ^ 1
      return copy
    }
    assert.throws(() => decodeCbf(flipped(start)), /no binary section/)
    assert.throws(() => decodeCbf(flipped(start + 10)), /Content-MD5/)
    assert.throws(() => decodeCbf(flipped(file.length - 60)), /padding/)
    assert.throws(() => decodeCbf(file.subarray(0, file.length - 1)), /end mark/)
    const narrow = Buffer.from(
      file.toString('latin1').replace('Fastest-Dimension: 20', 'Fastest-Dimension: 21'),
      'latin1',
    )
    assert.throws(() => decodeCbf(narrow), /200 pixels are not 21 x 10/)
  })
})
