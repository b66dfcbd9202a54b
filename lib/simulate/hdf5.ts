/**
 * HDF5 files made in memory with libhdf5 (h5wasm). A call occupies its thread for some milliseconds per megabyte: use
 * it in a worker thread. One instance per thread; its memory grows to a few times the largest file and is kept.
 */
import { Dataset, File, Group, ready } from 'h5wasm'
import type { Pixels } from './detector.js'

/** A value to store: text, a number with its type, an array of numbers. */
export type Hdf5Value =
  | string
  | { readonly type: Hdf5Type; readonly value: number }
  | { readonly type: Hdf5Type; readonly values: readonly number[] }

/** `u` unsigned, `i` signed, `f` floating point; bits. */
export type Hdf5Type = 'u8' | 'u16' | 'u32' | 'u64' | 'i32' | 'f32' | 'f64'

/** Attributes by name. */
export type Hdf5Attributes = Readonly<Record<string, Hdf5Value>>

/** A file in the making. Paths are absolute; the groups on the way to one are made as needed. */
export interface Hdf5Writer {
  readonly group: (path: string, attributes?: Hdf5Attributes) => void
  readonly value: (path: string, value: Hdf5Value, attributes?: Hdf5Attributes) => void
  /** Stores pixels or other large arrays in chunks; `deflate` 0 (the default) … 9. */
  readonly array: (path: string, array: Hdf5Array, attributes?: Hdf5Attributes) => void
  readonly externalLink: (path: string, file: string, target: string) => void
}

/** A large array. */
export interface Hdf5Array {
  readonly data: Pixels | Float32Array
  readonly shape: readonly number[]
  readonly chunks: readonly number[]
  readonly deflate?: number
}

/** Makes a file: `write` fills it, its bytes are returned. */
export type Hdf5Builder = (write: (file: Hdf5Writer) => void) => Uint8Array

const CODES: Readonly<Record<Hdf5Type, string>> = {
  u8: '<B',
  u16: '<H',
  u32: '<I',
  u64: '<Q',
  i32: '<i',
  f32: '<f',
  f64: '<d',
}

/** Loads libhdf5 into this thread (once) and returns the builder. */
export async function loadHdf5(): Promise<Hdf5Builder> {
  const module = await ready
  module.activate_throwing_error_handler()
  return (write) => {
    const path = '/build.h5'
    const file = new File(path, 'w')
    try {
      write(openWriter(file))
    } finally {
      file.close()
    }
    const bytes = module.FS.readFile(path)
    module.FS.unlink(path)
    return bytes
  }
}

function openWriter(file: File): Hdf5Writer {
  const groups = new Set<string>([''])
  const parentOf = (path: string): Group => {
    const parent = path.slice(0, path.lastIndexOf('/'))
    ensure(parent)
    const group = file.get(parent === '' ? '/' : parent)
    if (!(group instanceof Group)) throw new Error(`HDF5: ${parent} is no group`)
    return group
  }
  const ensure = (path: string): void => {
    if (groups.has(path)) return
    parentOf(path).create_group(nameOf(path))
    groups.add(path)
  }
  const annotate = (path: string, attributes: Hdf5Attributes): void => {
    const object = file.get(path)
    if (!(object instanceof Group || object instanceof Dataset)) throw new Error(`HDF5: ${path} takes no attributes`)
    for (const [name, value] of Object.entries(attributes)) {
      const { data, shape, dtype } = encode(value)
      object.create_attribute(name, data, shape, dtype)
    }
  }
  return {
    group(path, attributes = {}) {
      ensure(path)
      annotate(path, attributes)
    },
    value(path, value, attributes = {}) {
      parentOf(path).create_dataset({ name: nameOf(path), ...encode(value) })
      annotate(path, attributes)
    },
    array(path, { data, shape, chunks, deflate = 0 }, attributes = {}) {
      parentOf(path).create_dataset({
        name: nameOf(path),
        data,
        shape: [...shape],
        chunks: [...chunks],
        ...(deflate > 0 ? { compression: deflate } : {}),
      })
      annotate(path, attributes)
    },
    externalLink(path, target, object) {
      parentOf(path).create_external_link(target, object, nameOf(path))
    },
  }
}

/** Text becomes a string of fixed length, as the detectors write it. */
function encode(value: Hdf5Value): { data: string | number | number[]; shape: number[]; dtype: string } {
  if (typeof value === 'string') return { data: value, shape: [], dtype: `S${Math.max(1, value.length)}` }
  if ('value' in value) return { data: value.value, shape: [], dtype: CODES[value.type] }
  return { data: [...value.values], shape: [value.values.length], dtype: CODES[value.type] }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
