// Carries the body of an answer from its connection to a file, and digests it as it goes by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "copy/context.h"
#include "receive/connections.h"
#include "receive/failure.h"
#include "receive/patience.h"
#include "receive/server.h"

namespace susten {

class Body {
 public:
  struct Plan {
    bool digest = true;
    // Start write-back meanwhile, so that the sync at the end has less to wait for.
    bool write_behind = false;
  };

  // Writes to `out`. Uses the worker's large buffer, and its digest until the end.
  Body(Context &context, Patience &patience, const Timeouts &timeouts, int out, const Plan &plan);

  // Takes in `size` more bytes, `early` (which came with the header) first. After a failure everything that came before
  // it is in the file and counts.
  Failure receive(const Connection &connection, std::string_view early, int64_t size);
  // How many bytes the file has.
  [[nodiscard]] int64_t at() const { return at_; }
  // Begins anew with an empty file.
  Failure restart();
  // Of all bytes; empty if none was asked for.
  [[nodiscard]] std::string digest() const;

 private:
  Failure take_early(std::string_view early);
  Failure take_some(const Connection &connection, int64_t most);
  Failure wait(const Connection &connection);
  Failure flush();
  // The places in the buffer of the first byte that isn't written yet, and for the next one; and the room from there
  // on.
  [[nodiscard]] size_t start() const;
  [[nodiscard]] size_t place() const;
  [[nodiscard]] size_t room() const;
  bool is_lively(size_t got);

  Context &context_;
  Patience &patience_;
  const Timeouts &timeouts_;
  int out_;
  Plan plan_;
  int64_t at_ = 0;
  // In the buffer and not yet in the file.
  int64_t held_ = 0;
  int64_t written_back_ = 0;
  int64_t looked_ = 0;
  // Since when the server owes `least_bytes`, and what of them it has sent.
  Clock::time_point owed_since_;
  int64_t sent_ = 0;
};

}  // namespace susten
