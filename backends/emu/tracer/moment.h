#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "backends/emu/tracer/observer.h"

namespace fptrace::emu {

// An instant of a recorded run. Counted are the instructions of the whole guest from the one with
// which the program begins; the count is exact, to the instruction.
struct Moment {
  enum class Kind { kBegin, kEnd, kCount, kPercent } kind = Kind::kBegin;
  uint64_t value = 0;  // of kCount and kPercent
};

// "begin", "end", "123456", "50%".
Result<Moment> parse_moment(std::string_view text);

// Looks at the guest at one moment, then ends the run, but for kEnd.
class AtMoment final : public Observer {
 public:
  using Look = std::function<Result<void>(const Sight&)>;
  // Not kPercent: see instant_of().
  AtMoment(Moment moment, Look look) : moment_(moment), look_(std::move(look)) {}

  void prepare(Channel& channel) override;
  Result<Next> program_begins(const Sight& sight) override;
  Result<Next> stopped(const Sight& sight) override;
  Result<void> program_ended(const Sight& sight) override;

 private:
  Result<Next> look(const Sight& sight);

  Moment moment_;
  Look look_;
};

// Tells how long a run is, from the program's begin to its end.
class Length final : public Observer {
 public:
  Result<void> program_ended(const Sight& sight) override {
    instructions_ = sight.instructions();
    return {};
  }
  uint64_t instructions() const { return instructions_; }

 private:
  uint64_t instructions_ = 0;
};

// The count that a percentage stands for in a run of that length; other moments as they are.
Moment instant_of(Moment moment, uint64_t length);

}  // namespace fptrace::emu
