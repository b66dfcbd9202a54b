/**
 * HDF5 files made in memory with libhdf5 (h5wasm). A call occupies its thread for some milliseconds per megabyte: use
 * it in a worker thread. One instance per thread; its memory grows to a few times the largest file and is kept.
 */
import { Dataset, File, Group, ready } from 'h5wasm'
import type { Pixels } from './detector.js'
import { makeVirtual, placeholderChunk, type VirtualSource } from './virtual-dataset.js'

/** A value to store: text, texts, a number with its type, an array of numbers. */
export type Hdf5Value =
  | string
  | { readonly texts: readonly string[] }
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
  /** A virtual dataset; a file can have one. */
  readonly virtual: (path: string, dataset: Hdf5Virtual, attributes?: Hdf5Attributes) => void
}

/** A dataset whose content lies in other files. */
export interface Hdf5Virtual {
  readonly type: 'u16' | 'u32'
  readonly shape: readonly number[]
  readonly sources: readonly VirtualSource[]
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
    // The oldest format that has all that is needed, as the detectors write it.
    const file = new File(path, 'w', { libver: ['earliest', 'latest'] })
    let virtual: Hdf5Virtual | undefined
    try {
      write(
        openWriter(file, (dataset) => {
          virtual = dataset
        }),
      )
    } finally {
      file.close()
    }
    const bytes = module.FS.readFile(path)
    module.FS.unlink(path)
    return virtual === undefined ? bytes : withVirtual(bytes, virtual)
  }
}

function withVirtual(bytes: Uint8Array, { type, shape, sources }: Hdf5Virtual): Uint8Array {
  return makeVirtual(bytes, shape, type === 'u16' ? 2 : 4, sources)
}

function openWriter(file: File, onVirtual: (dataset: Hdf5Virtual) => void): Hdf5Writer {
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
    virtual(path, dataset, attributes = {}) {
      const ones = dataset.shape.map(() => 1)
      const placeholder = parentOf(path).create_dataset({
        name: nameOf(path),
        data: dataset.type === 'u16' ? new Uint16Array(1) : new Uint32Array(1),
        shape: ones,
        maxshape: [...dataset.shape],
        chunks: ones.map(() => placeholderChunk),
      })
      placeholder.resize([...dataset.shape])
      annotate(path, attributes)
      onVirtual(dataset)
    },
  }
}

/** Text becomes a string of fixed length, as the detectors write it. */
function encode(value: Hdf5Value): { data: string | string[] | number | number[]; shape: number[]; dtype: string } {
  if (typeof value === 'string') return { data: value, shape: [], dtype: `S${Math.max(1, value.length)}` }
  if ('texts' in value) {
    const longest = Math.max(1, ...value.texts.map((text) => text.length))
    return { data: [...value.texts], shape: [value.texts.length], dtype: `S${longest}` }
  }
  if ('value' in value) return { data: value.value, shape: [], dtype: CODES[value.type] }
  return { data: [...value.values], shape: [value.values.length], dtype: CODES[value.type] }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
