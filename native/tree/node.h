// A directory of a tree while it is being copied.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>

#include "commit/directory.h"
#include "sys/fd.h"

namespace susten {

struct Node {
  std::shared_ptr<Node> parent;
  Fd source;
  DirectoryRef target;
  // Below the tree's root; empty for the root itself.
  std::string name;
  struct stat st {};
  // Made by this copy: gets the source's metadata when all below it is done.
  bool made = false;
  // A directory or a link was put into it: its entries must be synced even if it was there before.
  std::atomic<bool> changed{false};
  // What isn't done yet: its own scan, its files, its subdirectories.
  std::atomic<int64_t> open{1};
};

using NodeRef = std::shared_ptr<Node>;

}  // namespace susten
