#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace fptrace {

// Follows what a run does to names: which it made, moved and took away. Knows nothing of contents.
// All paths are canonical and absolute.
class FileNames {
 public:
  // Whatever the caller finds a file by.
  struct Target {
    uint32_t object = 0, use = 0;
  };

  // The run made this name (open, mkdir, symlink, link, ...).
  void make(const std::string& path, Target target);
  // A name that was there before and whose moves are to be followed.
  void follow(const std::string& path, Target target) { names_.try_emplace(path, target); }
  // The run removed this name.
  void remove(const std::string& path);
  // The run renamed `from` to `to`, which is removed if it was there. With `preexisting_dir`, what
  // lies below has moved along and is known under its old name in original().
  void move(const std::string& from, const std::string& to, Target target, bool preexisting_dir);
  void exchange(const std::string& a, Target at_a, const std::string& b, Target at_b);

  const Target* find(const std::string& path) const;
  bool was_made(const std::string& path) const { return made_.contains(path); }
  // Whether this path or a directory above it is a name that the run made, at any time.
  bool below_made(std::string_view path) const { return below(made_, path); }
  // Whether this path or a directory above it is a name that the run has removed by now.
  bool below_removed(std::string_view path) const { return below(removed_, path); }
  // The name that `path` had before the run moved directories about.
  std::string original(const std::string& path) const;

  // Every followed or made name that still stands.
  const std::map<std::string, Target>& names() const { return names_; }

 private:
  struct Move {
    std::string from, to;
    bool exchange;
  };
  using Subtree = std::vector<std::pair<std::string, Target>>;
  static bool below(const std::unordered_set<std::string>& set, std::string_view path);
  // Takes the names below `dir` out; what is returned is relative to it.
  Subtree extract_below(const std::string& dir);
  bool holds_moved(const std::string& dir) const;

  std::map<std::string, Target> names_;
  std::unordered_set<std::string> made_, removed_;
  std::vector<Move> moves_;  // of directories, in order
};

}  // namespace fptrace
