/**
 * Image files in miniCBF, the format of PILATUS detectors: a CIF header with the conditions as comments, then one
 * binary section. Text lines end with CR LF; the section's own header is MIME.
 * Source: imgCIF dictionary, `_array_data.data`; layout and comment lines as in files of the header convention
 * `PILATUS_1.2`.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { decodeByteOffset, encodeByteOffset } from './byte-offset.js'
import { deadPixels } from './detector.js'
import { baseName, type Series } from './series.js'

/** Begins the binary data, so that nobody takes them for text. */
const START_MARK = Buffer.from([0x0c, 0x1a, 0x04, 0xd5])
const SECTION = '--CIF-BINARY-FORMAT-SECTION--'
const END_MARK = `\r\n${SECTION}--\r\n;\r\n\r\n`
/** Zero bytes after the data, so that a reader may read beyond them in blocks. */
const PADDING = 4095

/** A decoded image. */
export interface CbfImage {
  readonly width: number
  readonly height: number
  readonly pixels: Int32Array
  /** The comment lines of the CIF header, without `# `. */
  readonly comments: readonly string[]
}

/** Makes the file of image `image` (from 1) of a PILATUS series. `fileName` gives the data block its name. */
export function encodeCbf(series: Series, image: number, fileName: string, pixels: Int32Array): Buffer {
  const { width, height } = series.detector
  if (pixels.length !== width * height) throw new RangeError(`${pixels.length} pixels are not ${width} x ${height}`)
  const data = encodeByteOffset(pixels)
  const head = [
    '###CBF: VERSION 1.5, CBFlib v0.7.8 - PILATUS detectors',
    '',
    `data_${baseName(fileName).replace(/\.cbf$/, '')}`,
    '',
    '_array_data.header_convention "PILATUS_1.2"',
    '_array_data.header_contents',
    ';',
    ...conditions(series, image).map((line) => `# ${line}`),
    ';',
    '',
    '_array_data.data',
    ';',
    SECTION,
    'Content-Type: application/octet-stream;',
    '     conversions="x-CBF_BYTE_OFFSET"',
    'Content-Transfer-Encoding: BINARY',
    `X-Binary-Size: ${data.length}`,
    'X-Binary-ID: 1',
    'X-Binary-Element-Type: "signed 32-bit integer"',
    'X-Binary-Element-Byte-Order: LITTLE_ENDIAN',
    `Content-MD5: ${md5(data)}`,
    `X-Binary-Number-of-Elements: ${pixels.length}`,
    `X-Binary-Size-Fastest-Dimension: ${width}`,
    `X-Binary-Size-Second-Dimension: ${height}`,
    `X-Binary-Size-Padding: ${PADDING}`,
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([
    Buffer.from(head, 'latin1'),
    START_MARK,
    data,
    Buffer.alloc(PADDING),
    Buffer.from(END_MARK, 'latin1'),
  ])
}

/**
 * Decodes a byte-offset miniCBF and checks all that can be checked: sizes, MD5, number of pixels, padding and end mark.
 * @throws Error that says what is wrong.
 */
export function decodeCbf(file: Buffer): CbfImage {
  const start = file.indexOf(START_MARK)
  if (start < 0) throw new Error('no binary section')
  const head = file.toString('latin1', 0, start)
  const at = head.indexOf(`${SECTION}\r\n`)
  if (at < 0) throw new Error('no header of the binary section')
  const fields = mimeFields(head.slice(at + SECTION.length + 2))
  const text = (name: string): string => {
    const value = fields.get(name.toLowerCase())
    if (value === undefined) throw new Error(`no ${name}`)
    return value
  }
  const count = (name: string): number => {
    if (!/^\d+$/.test(text(name))) throw new Error(`${name} is no number: ${text(name)}`)
    return Number(text(name))
  }
  if (!text('Content-Type').includes('conversions="x-CBF_BYTE_OFFSET"')) throw new Error('other compression')
  if (text('X-Binary-Element-Type') !== '"signed 32-bit integer"') throw new Error('other pixel type')
  const from = start + START_MARK.length
  const size = count('X-Binary-Size')
  const padding = count('X-Binary-Size-Padding')
  const tail = file.subarray(from + size + padding)
  if (from + size + padding > file.length || tail.toString('latin1') !== END_MARK) {
    throw new Error('the end mark is not where X-Binary-Size says')
  }
  if (!file.subarray(from + size, from + size + padding).every((byte) => byte === 0))
    throw new Error('padding not zero')
  const data = file.subarray(from, from + size)
  if (md5(data) !== text('Content-MD5')) throw new Error('the data do not match Content-MD5')
  const width = count('X-Binary-Size-Fastest-Dimension')
  const height = count('X-Binary-Size-Second-Dimension')
  const pixels = decodeByteOffset(data, count('X-Binary-Number-of-Elements'))
  if (pixels.length !== width * height) throw new Error(`${pixels.length} pixels are not ${width} x ${height}`)
  const comments = head
    .slice(0, at)
    .split('\r\n')
    .filter((line) => line.startsWith('# '))
  return { width, height, pixels, comments: comments.map((line) => line.slice(2)) }
}

/** The comment lines, in the order of a real file. */
function conditions(series: Series, image: number): string[] {
  const { detector, experiment, started } = series
  const taken = new Date(started.getTime() + (image - 1) * experiment.frameTime * 1000)
  const angle = experiment.startAngle + (image - 1) * experiment.increment
  const size = `${Math.round(detector.pixelSize * 1e6)}e-6 m`
  const energy = 12398.42 / experiment.wavelength
  return [
    `Detector: ${detector.description}, S/N ${detector.serial}, susten simulation`,
    taken.toISOString().replace('Z', ''),
    `Pixel_size ${size} x ${size}`,
    `Silicon sensor, thickness ${detector.sensorThickness.toFixed(6)} m`,
    `Exposure_time ${(experiment.frameTime - 0.00095).toFixed(7)} s`,
    `Exposure_period ${experiment.frameTime.toFixed(7)} s`,
    'Tau = 0 s',
    `Count_cutoff ${detector.countCutoff} counts`,
    `Threshold_setting: ${Math.round(energy / 2)} eV`,
    'Gain_setting: autog (vrf = 1.000)',
    `N_excluded_pixels = ${deadPixels(detector).size}`,
    'Excluded_pixels: (nil)',
    'Flat_field: (nil)',
    'Trim_file: (nil)',
    'Image_path: /ramdisk/',
    `Wavelength ${experiment.wavelength.toFixed(5)} A`,
    `Detector_distance ${experiment.distance.toFixed(5)} m`,
    `Beam_xy (${experiment.beamX.toFixed(2)}, ${experiment.beamY.toFixed(2)}) pixels`,
    'Flux 0.000000',
    'Filter_transmission 1.0000',
    `Start_angle ${angle.toFixed(4)} deg.`,
    `Angle_increment ${experiment.increment.toFixed(4)} deg.`,
    `Phi ${angle.toFixed(4)} deg.`,
    'Oscillation_axis PHI',
    'N_oscillations 1',
  ]
}

/** Reads MIME header lines up to the first empty one; a line that begins with a blank continues the one before. */
function mimeFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  const end = text.indexOf('\r\n\r\n')
  const unfolded = (end < 0 ? text : text.slice(0, end)).replace(/\r\n[ \t]+/g, ' ')
  for (const line of unfolded.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return fields
}

function md5(data: Buffer): string {
  return createHash('md5').update(data).digest('base64')
}
