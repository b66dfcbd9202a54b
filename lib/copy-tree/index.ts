/** `copyTree`: a drop-in for `fs.cp` and fs-extra's `copy` that verifies, preserves and makes durable. */
export { copyTree } from './copy-tree.js'
export type {
  CompatibleOptions,
  CopyDigest,
  CopyFilter,
  CopyProgress,
  CopyReport,
  CopyTreeOptions,
  PathForm,
} from './types.js'
