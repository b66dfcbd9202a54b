/** Says which configuration file an error is about, and which key of it. */
import { printable } from '../config/index.js'
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

/** An error of starting, told as one of what the file says; the same of all that it stands for. */
export function inFile(file: string, error: unknown): unknown {
  if (!(error instanceof SustenError) || error.code === 'ABORT_ERR') return error
  const named = (message: string): string => `${printable(file)}: ${message}`
  const { code, errno, syscall, path } = error
  const failures = error.failures.map((one) => withMessage(one, named(one.message)))
  return new SustenError(named(error.message), { code, errno, syscall, path, failures, cause: error })
}
