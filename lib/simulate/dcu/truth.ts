/** Keeps what really happened. */
import type { FileStore } from './files.js'
import type { ServedRequest, Truth } from './types.js'

export interface TruthKeeper {
  readonly truth: Truth
  request(request: ServedRequest): void
}

/** @param maxRequests Requests that are kept, the newest; DELETEs of files are all kept. */
export function createTruth(store: FileStore, maxRequests: number): TruthKeeper {
  const deletes: ServedRequest[] = []
  let requests: ServedRequest[] = []
  let [requestCount, bytesSent] = [0, 0]
  return {
    truth: {
      get files() {
        return store.records
      },
      get completed() {
        return store.records.filter(({ completed }) => completed !== undefined)
      },
      get dropped() {
        return store.dropped
      },
      deletes,
      get requests() {
        return requests.slice(-maxRequests || requests.length)
      },
      get requestCount() {
        return requestCount
      },
      get bytesSent() {
        return bytesSent
      },
    },
    request(request) {
      requestCount++
      if (request.method === 'GET' && request.path.startsWith('/data/')) bytesSent += request.bytes
      if (request.method === 'DELETE' && request.path.startsWith('/data/')) deletes.push(request)
      if (maxRequests === 0) return
      requests.push(request)
      if (requests.length >= 2 * maxRequests) requests = requests.slice(-maxRequests)
    },
  }
}
