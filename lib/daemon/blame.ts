/** Says which key of the configuration an error is about. */
import { SustenError, withMessage } from '../errors.js'

/** Does something; what goes wrong there is a matter of this key. */
export async function asOf<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw blamedOn(key, error)
  }
}

/** An error, told as a matter of this key. */
export const blamedOn = (key: string | undefined, error: unknown): unknown =>
  error instanceof SustenError && key !== undefined ? withMessage(error, `${key}: ${error.message}`) : error
