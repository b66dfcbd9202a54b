/** Who gives up a place for a new client, where there are as many as there may be. */
import { isIPv4 } from 'node:net'

/**
 * Where a client comes from, as far as anybody can choose it: this computer, whatever its address for itself; an IPv4
 * address; an IPv6 network of 64 bits, in which one computer may have as many addresses as it likes.
 */
export function originOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIPv4(plain)) return plain.startsWith('127.') ? 'loopback' : plain
  if (plain === '::1') return 'loopback'
  const [head = ''] = plain.split('::')
  return [...head.split(':'), '0', '0', '0'].slice(0, 4).join(':')
}

/**
 * The one that gives way: of those from where most come, the one that is there for longest. Who holds many places can so
 * keep nobody out, and takes none from those who hold fewer. Nobody, if no origin has more clients than the new one's
 * would have, and that has none yet.
 *
 * Neither what a client asks nor when counts, since that costs nothing, and who wants to stay could.
 * @param clients With their origins; who came first is first.
 * @param origin That of the new client.
 */
export function whoGivesWay<Client>(clients: ReadonlyMap<Client, string>, origin: string): Client | undefined {
  const counts = new Map([[origin, 1]])
  for (const from of clients.values()) counts.set(from, (counts.get(from) ?? 0) + 1)
  let [most, highest] = [origin, 0]
  for (const [from, count] of counts) {
    if (count > highest) [most, highest] = [from, count]
  }
  for (const [client, from] of clients) {
    if (from === most) return client
  }
  return undefined
}
