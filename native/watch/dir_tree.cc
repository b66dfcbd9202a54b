#include "watch/dir_tree.h"

namespace susten {

bool ByName::operator()(const Dir *a, const Dir *b) const { return a->name < b->name; }
bool ByName::operator()(const Dir *a, std::string_view b) const { return a->name < b; }
bool ByName::operator()(std::string_view a, const Dir *b) const { return a < b->name; }

void DirTree::set_root(int wd) {
  root_ = &dirs_[wd];
  root_->wd = wd;
}

Dir *DirTree::find(int wd) {
  const auto found = dirs_.find(wd);
  return found == dirs_.end() ? nullptr : &found->second;
}

Dir *DirTree::child(const Dir &parent, std::string_view name) const {
  const auto found = parent.children.find(name);
  return found == parent.children.end() ? nullptr : *found;
}

bool DirTree::is_above(const Dir &upper, const Dir &dir) const {
  for (const Dir *at = &dir; at != nullptr; at = at->parent) {
    if (at == &upper) return true;
  }
  return false;
}

bool DirTree::path(const Dir &dir, std::string &path) const {
  size_t size = 0;
  const Dir *top = &dir;
  for (; top->parent != nullptr; top = top->parent) size += top->name.size() + 1;
  path.clear();
  if (top != root_) return false;
  if (size == 0) return true;
  path.resize(size - 1, '/');
  size_t end = size - 1;
  for (const Dir *at = &dir; at->parent != nullptr; at = at->parent) {
    end -= at->name.size();
    path.replace(end, at->name.size(), at->name);
    if (end > 0) --end;  // the slash
  }
  return true;
}

Dir &DirTree::add(int wd, Dir &parent, std::string_view name) {
  Dir &dir = dirs_[wd];
  dir.wd = wd;
  attach(dir, parent, name);
  return dir;
}

void DirTree::attach(Dir &dir, Dir &parent, std::string_view name) {
  std::string text(name);  // may be a view of dir.name
  detach(dir);
  dir.name = std::move(text);
  dir.parent = &parent;
  parent.children.insert(&dir);
}

void DirTree::detach(Dir &dir) {
  if (dir.parent == nullptr) return;
  dir.parent->children.erase(&dir);
  dir.parent = nullptr;
}

std::vector<int> DirTree::erase(Dir &dir) {
  std::vector<int> orphans;
  for (Dir *child : dir.children) {
    child->parent = nullptr;
    orphans.push_back(child->wd);
  }
  dir.children.clear();
  detach(dir);
  if (&dir == root_) root_ = nullptr;
  dirs_.erase(dir.wd);
  return orphans;
}

void DirTree::clear() {
  dirs_.clear();
  root_ = nullptr;
}

}  // namespace susten
