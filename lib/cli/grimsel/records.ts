/** Records of a stream that end with one byte. */

/** Bytes of a record: longer than any path. */
const longest = 65_536

/** @throws Error a record is longer than any path */
export async function* readRecords(stream: AsyncIterable<Buffer>, end: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let begin = 0
    for (let at = bytes.indexOf(end); at >= 0; at = bytes.indexOf(end, begin)) {
      yield bytes.subarray(begin, at)
      begin = at + 1
    }
    rest = bytes.subarray(begin)
    if (rest.length > longest) throw new Error(`a path of more than ${longest} bytes; do they end with NUL bytes (-0)?`)
  }
  if (rest.length > 0) yield rest
}
