#pragma once
#include <string>

#include "tests/support/expectation.h"

namespace fptrace::testing {

// A fresh directory of one test: `work()` is $W, where the program runs; `results()` holds what the
// runs leave behind. Removed at the end unless keep() was called.
class Scratch {
 public:
  static Result<Scratch> make();
  Scratch(Scratch&& o) noexcept : top_(std::move(o.top_)), keep_(o.keep_) { o.top_.clear(); }
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  std::string work() const { return top_ + "/w"; }
  std::string results() const { return top_ + "/r"; }
  // Empties work() and makes what `expectation` asks for; its owner becomes `expectation.user`.
  Result<void> set_up(const Expectation& expectation) const;
  void keep() { keep_ = true; }

 private:
  explicit Scratch(std::string top) : top_(std::move(top)) {}
  std::string top_;
  bool keep_ = false;
};

Result<std::string> read_file(const std::string& path);
Result<void> write_file(const std::string& path, const std::string& content);

}  // namespace fptrace::testing
