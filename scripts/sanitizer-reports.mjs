// Tells the sanitizers' reports on the addon from those on Node, which is not instrumented: V8 and libuv synchronise by
// atomics and close files by system calls that the sanitizer doesn't see, and leave memory to the end of the process.

/** A frame that stands in for another: the sanitizer's malloc, memcpy, …, or a template of the C++ library. */
const isStandIn = (/** @type {string} */ frame) => /libsanitizer\/|\/lib[a-z]*san\.so|\/include\/c\+\+\//.test(frame)

/** Reports of a log, each as text with at least one stack. */
export const splitReports = (/** @type {string} */ log) =>
  log.split(/^={18,}$|(?=^(?:Direct|Indirect) leak of)/m).filter((report) => /^\s*#\d+ /m.test(report))

/** A race for the number of a file, as the report says or as both calls show. */
function isOnDescriptor(/** @type {string} */ report) {
  if (/Location is file descriptor/.test(report)) return true
  const calls = [...report.matchAll(/^ *(?:Previous )?(?:write|read) of size .*\n *#0 (\w+)/gim)]
  return (
    calls.length === 2 &&
    calls.every(([, call = '']) =>
      /^(open|openat|close|epoll_create1|eventfd|inotify_init1|pipe2|socket|socketpair|accept4|dup)\d*$/.test(call),
    )
  )
}

/**
 * Whether the addon is who did it: the first frame of an access or an allocation that is no stand-in is the addon's.
 *
 * @param {string} report
 * @param {string} root Folder of the addon's sources.
 */
export function isOnAddon(report, root) {
  const blamed = report
    .split(/\n\s*\n/)
    // Where a thread was made says nothing about who is to blame.
    .filter((stack) => !/^\s*Thread T\d+ .*created by/m.test(stack))
    .flatMap((stack) => {
      const frame = stack.split('\n').find((line) => /^\s*#\d+ /.test(line) && !isStandIn(line))
      return frame === undefined ? [] : [frame.includes(` ${root}/`) || frame.includes('susten.node')]
    })
  // A number of a file that Node closed unseen comes back from our open: a race between the two only if both are ours.
  return isOnDescriptor(report) ? blamed.every(Boolean) : blamed.some(Boolean)
}
