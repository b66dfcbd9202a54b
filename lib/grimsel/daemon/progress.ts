/** Whether a Grimsel gets on, for those who would restart it otherwise. */
import type { GrimselStatus } from '../types.js'

/**
 * Asked now and then; false if announcements have waited for the journal since the last time, and nothing has moved.
 * Storages that stand still are no reason: restarting wouldn't help them, and the others go on.
 */
export function createProgress(status: () => GrimselStatus): () => boolean {
  let before = ''
  return () => {
    const { announcing, journal } = status()
    const now = announcing === 0 ? '' : `${journal.records} ${journal.bytes}`
    const isStuck = now !== '' && now === before
    before = now
    return !isStuck
  }
}

/** One line on how things are. */
export function summaryOf({ shifts, tiers, storages }: GrimselStatus): string {
  const [shift] = shifts
  const [buffer] = tiers
  const sum = (key: 'pending' | 'failed'): number => storages.reduce((total, storage) => total + storage[key], 0)
  const out = storages.filter(({ state }) => state === 'down').map(({ id }) => id)
  const words = [
    `${sum('pending')} copies to make`,
    ...(sum('failed') > 0 ? [`${sum('failed')} failed`] : []),
    ...(buffer?.fill === undefined ? [] : [`buffer ${Math.round(buffer.fill * 100)} % full`]),
    ...(shift === undefined ? [] : [`shift of uid ${shift.uid}`]),
    ...(out.length > 0 ? [`unavailable: ${out.join(', ')}`] : []),
  ]
  return words.join('; ')
}
