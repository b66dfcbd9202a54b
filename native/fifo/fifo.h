// What Node can't do with named pipes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "sys/error.h"

namespace susten {

// Who has the other ends of a pipe, and whether there is room in it.
struct PipeState {
  bool abandoned = false;  // of a reading end: all writers that came since it was opened have gone
  bool unheard = false;    // of a writing end: nobody has it open for reading
  bool full = false;       // of a writing end: who writes waits
};

// Makes a FIFO. Code EEXIST: the name is taken, by whatever it may be, a dangling symbolic link included.
Error make_fifo(const std::string &path, mode_t mode);

// How many bytes a pipe holds that nobody has read yet. Works on either of its ends.
Error unread_bytes(int fd, int64_t &bytes);

// Makes a pipe without a name: its ends for reading and for writing. Neither ever waits.
Error make_pipe(int &reader, int &writer);

// Copies what is at the head of the pipe `from` into the pipe `to`, which has none, and takes nothing away. Never
// waits. `bytes`: how many, 0 if there are none. Copied are whole parts, as writers left them, as long as `to` has
// room.
Error tee_pipe(int from, int to, size_t most, size_t &bytes);

// Takes bytes off a pipe and throws them away, `null` being /dev/null. Never waits. `bytes`: how many; fewer than asked
// for if there are no more. Unlike read() it takes no more than that of a writer's packet (O_DIRECT).
Error drop_bytes(int from, int null, size_t most, size_t &bytes);

Error pipe_state(int fd, PipeState &state);

}  // namespace susten
