// Why a step of receiving a file failed.
#pragma once

#include <cstdint>

namespace susten {

enum class Side : uint8_t {
  server,  // the connection, or what came by it
  target,  // the file that is written
};

// Plain data; strings are literals.
struct Failure {
  int number = 0;
  const char *code = "";
  const char *syscall = "";
  Side side = Side::server;

  [[nodiscard]] bool failed() const { return number != 0 || *code != '\0'; }
};

// The server breaks the rules of HTTP, or says something that can't be true; `part`: in which part of its answer.
inline Failure broken_rules(const char *part) { return {.code = "ERR_SUSTEN_HTTP", .syscall = part}; }

}  // namespace susten
