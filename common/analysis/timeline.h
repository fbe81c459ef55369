#pragma once
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fptrace {

// Which process had the processor when. Times are whatever counts up; instructions, mostly.
class Timeline {
 public:
  enum class Kind { kProcess, kKernel /* all of its own threads */, kIdle };
  // No two processes of one run are equal.
  struct Who {
    Kind kind = Kind::kProcess;
    pid_t pid = 0;
    uint64_t start = 0;  // when it started, in any unit
    auto operator<=>(const Who&) const = default;
  };
  struct Span {
    uint64_t begin = 0, end = 0;
    bool operator==(const Span&) const = default;
  };
  struct Row {
    Who who;
    std::vector<std::string> names;  // that it had, in order
    uint64_t total = 0;
    std::vector<Span> spans;  // in order, none empty
    bool operator==(const Row&) const = default;
  };

  // From `time` on `who` runs. No time is before the one of the last call.
  void runs(uint64_t time, const Who& who, const std::string& name);
  // Whoever runs has this name by now.
  void named(const std::string& name);
  void ends(uint64_t time);

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  // In the order in which they first ran; the kernel and the idle time last.
  std::vector<Row> rows() const;

 private:
  void close(uint64_t time);

  std::vector<Row> rows_;
  std::map<Who, size_t> index_;
  size_t now_ = SIZE_MAX;  // who runs
  uint64_t since_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace fptrace
