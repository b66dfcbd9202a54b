// A reporter for node --test: the skipped tests, one a line, with their reasons.

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} source */
export default async function* skippedReporter(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' || data.skip === undefined || data.skip === false) continue
    const reason = typeof data.skip === 'string' ? `: ${data.skip}` : ''
    yield `${data.name}${reason}\n`
  }
}
