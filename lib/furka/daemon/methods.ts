/** What Furka's control socket can be asked to do besides what all daemons can: docs/PROTOCOLS.md describes it. */
import type { Method } from '../../control/index.js'
import { namesOf } from '../../daemon/index.js'
import { optionError } from '../../options.js'
import type { Furka } from '../types.js'
import type { FurkaUser, UserChange } from '../user.js'

/** What the methods work on. */
interface Subject {
  /** @throws SustenError `ERR_SUSTEN_CLOSED` while it starts or stops */
  furka(): Pick<Furka, 'changeUser'>
  /** Notes in the log what somebody asked for. */
  note(method: string, uid: number, fields: object): void
}

export function methodsOf({ furka, note }: Subject): Readonly<Record<string, Method>> {
  return {
    user: {
      async call(params, { caller }): Promise<FurkaUser> {
        const given = namesOf('user', params, ['uid', 'gid', 'userDirectory'])
        // More likely a mistake than the wish for the configuration's user.
        if (Object.keys(given).length === 0) throw optionError('user: uid, gid or userDirectory is needed')
        const user = await furka().changeUser(given as UserChange)
        note('user', caller.uid, user)
        return user
      },
    },
  }
}
