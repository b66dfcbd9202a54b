/** Policies under which histories run. */
import {
  deleteAfterCopy,
  grimsel,
  keepAll,
  keepSeries,
  leastRecentlyRead,
  type PolicyFile,
  type Release,
  type StoragePolicy,
} from '#lib/policy/index.js'

/** Answers anything, as if by chance, and sometimes none. */
function hostile(): StoragePolicy {
  return {
    name: 'hostile',
    storages(file, storages) {
      if (dice(file, 1) < 10) throw new Error('no')
      return storages.filter((_, index) => dice(file, 10 + index) < 60).map(({ id }) => id)
    },
    retry: ({ file, attempts, proposed }) => (dice(file, attempts) < 30 ? Number.NaN : proposed),
    release(file, { fill }): Release {
      const chance = dice(file, Math.round(fill * 10))
      if (chance < 10) return { when: 'never' }
      if (chance < 15) return { when: 'now' } as unknown as Release
      if (chance < 20) throw new Error('no')
      const by = chance % 2 === 0 ? 'link' : 'delete'
      return chance < 60 ? { when: 'copied', by } : { when: 'full', by, order: chance }
    },
    shiftEnd: ({ number }) => (number % 3 === 0 ? 'keep' : 'clear'),
  }
}

/** 0…99, of a file. */
function dice({ path }: PolicyFile, salt: number): number {
  let sum = salt * 7919
  for (let i = 0; i < path.length; i++) sum = (Math.imul(sum, 31) + path.charCodeAt(i)) >>> 0
  return (sum >>> 7) % 100
}

export const policies = {
  grimsel,
  deleteAfterCopy,
  leastRecentlyRead,
  keepSeries: () => keepSeries('file1'),
  keepAll,
  hostile,
} satisfies Record<string, () => StoragePolicy>

export type PolicyName = keyof typeof policies

/** Whether all of a shift's files leave all tiers after its end. */
export const clearsAll = (policy: PolicyName): boolean =>
  policy === 'grimsel' || policy === 'deleteAfterCopy' || policy === 'leastRecentlyRead'
