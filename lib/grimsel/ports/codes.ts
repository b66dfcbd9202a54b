/** What messages are about, as names and as the numbers that clients are given. */

/** Those that the vendor's manual knows. Clients written to it know no others, so nobody is sent others unasked. */
const manualCodes = {
  FILLSTATE_LIMIT: 1,
  ALMOST_OVERFLOW: 2,
  DISK_OVERFLOW: 3,
  COPY_ERROR: 4,
  LINK_ERROR: 5,
  DEL_ERROR: 6,
} as const

/** Codes by name. The manual's are 1…6; added ones begin at 101. A number never changes its meaning. */
export const messageCodes = {
  ...manualCodes,
  STORAGE_UNAVAILABLE: 101,
  STORAGE_BACK: 102,
  COLLISION: 103,
  SHIFT_CLEARED: 104,
} as const

/**
 * | name | short message |
 * |---|---|
 * | `FILLSTATE_LIMIT` | mount point: it is filled up to the limit, and space is being released |
 * | `ALMOST_OVERFLOW` | mount point: it is likely to overflow |
 * | `DISK_OVERFLOW` | mount point: it is full |
 * | `COPY_ERROR` | `source:destination`: the copy failed |
 * | `LINK_ERROR` | file: it could not be replaced by a link |
 * | `DEL_ERROR` | file: it could not be deleted |
 * | `STORAGE_UNAVAILABLE` | target: the storage is gone, or isn't the one that it was; its files wait |
 * | `STORAGE_BACK` | target: its files go on |
 * | `COLLISION` | destination: other content had the name, and is kept beside it |
 * | `SHIFT_CLEARED` | mount point: all files of a former shift have left it |
 */
export type MessageName = keyof typeof messageCodes

export const manualNames = Object.keys(manualCodes) as readonly MessageName[]

export const allNames = Object.keys(messageCodes) as readonly MessageName[]
