// An error as the engine reports it: what failed, on which file, and why. Plain data.
#pragma once

#include <string>

namespace susten {

struct Error {
  int number = 0;            // errno, 0 for the engine's own findings
  std::string code;          // empty: the errno's name; else ERR_SUSTEN_*, ERR_FS_CP_* or ABORT_ERR
  const char *syscall = "";  // a string literal
  std::string path;
  std::string dest;

  [[nodiscard]] bool failed() const { return number != 0 || !code.empty(); }
};

// What errno says now. `syscall`: a string literal.
Error last_error(const char *syscall, std::string path = {});

// "ENOSPC" for ENOSPC; "EUNKNOWN" for what has no name here.
const char *errno_name(int number);
// The errno that `name` stands for, 0 if none.
int errno_value(const char *name);

}  // namespace susten
