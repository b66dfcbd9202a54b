// Faults on demand: a table of system calls some of whose entries fail, transfer too little, or are late.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sys/sys.h"

namespace susten {

// What shall happen at which calls. Calls are counted per entry, over all threads.
struct Fault {
  std::string call;    // name of an entry of Sys, e.g. "renameat2"
  std::string effect;  // an errno name ("EIO"): fail so; "short": transfer at most half; "zero": transfer nothing and
                       // return 0 (both for transferring calls only); "delay": only delay; "hold": wait
                       // until release_holds
  int64_t at = 1;      // first call concerned, counted from 1
  int64_t times = 1;   // for how many calls; -1 for ever
  int delay_ms = 0;    // wait before the call; goes with every effect
};

// Makes a table with these faults. Where several match one call, their delays add up and the first other effect counts.
// `close` fails after it has closed. Returns null, and says in `problem` what is wrong and what is allowed, if a call
// or an effect is unknown or a number out of range.
std::unique_ptr<Sys> make_faulty_sys(const std::vector<Fault> &faults, std::string &problem);

// Lets go on what an effect "hold" holds, now and in future; nothing for any other table.
void release_holds(Sys &sys);

struct CallCount {
  const char *call;
  int64_t count;
};

// How often each entry of a table from make_faulty_sys was called, failed calls too; empty for any other table.
std::vector<CallCount> count_calls(const Sys &sys);

}  // namespace susten
