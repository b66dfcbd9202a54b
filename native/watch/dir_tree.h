// The directories under watch, and what they are called now as far as events have told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace susten {

struct Dir;

struct ByName {
  using is_transparent = void;
  bool operator()(const Dir *a, const Dir *b) const;
  bool operator()(const Dir *a, std::string_view b) const;
  bool operator()(std::string_view a, const Dir *b) const;
};

// A watched directory. It is detached (no parent, though not the root) from when it was moved away until it turns up
// elsewhere or is forgotten; what is below it stays attached to it.
struct Dir {
  int wd = -1;
  Dir *parent = nullptr;
  uint64_t seen = 0;  // number of the scan that saw it last
  // Waits to be read; what for, see Follower::Scan.
  bool queued = false;
  bool report = false;
  bool deep = false;
  std::string name;
  std::set<Dir *, ByName> children;
};

// Nothing here recurses: a tree may be deeper than a stack.
class DirTree {
 public:
  void set_root(int wd);
  [[nodiscard]] Dir *root() const { return root_; }
  [[nodiscard]] Dir *find(int wd);
  [[nodiscard]] Dir *child(const Dir &parent, std::string_view name) const;
  [[nodiscard]] bool is_detached(const Dir &dir) const { return dir.parent == nullptr && &dir != root_; }
  // Whether `upper` is `dir` or above it.
  [[nodiscard]] bool is_above(const Dir &upper, const Dir &dir) const;
  // The path below the root, empty for the root itself. False if `dir` or one above it is detached.
  bool path(const Dir &dir, std::string &path) const;

  // `parent` must not have a child of that name.
  Dir &add(int wd, Dir &parent, std::string_view name);
  void attach(Dir &dir, Dir &parent, std::string_view name);
  void detach(Dir &dir);
  // Forgets `dir`, detaches its children and returns their numbers.
  std::vector<int> erase(Dir &dir);
  void clear();
  [[nodiscard]] size_t size() const { return dirs_.size(); }

 private:
  std::unordered_map<int, Dir> dirs_;
  Dir *root_ = nullptr;
};

}  // namespace susten
