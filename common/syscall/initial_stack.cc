#include "common/syscall/initial_stack.h"

#include <cstring>

namespace fptrace {
namespace {

class Stack {
 public:
  Stack(std::string_view bytes, uint64_t addr, bool narrow)
      : bytes_(bytes), addr_(addr), width_(narrow ? 4 : 8) {}

  std::optional<uint64_t> word() {
    if (bytes_.size() - at_ < width_) return std::nullopt;
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at_, width_);
    at_ += width_;
    return value;
  }
  // The strings of the array of pointers that comes next.
  std::optional<std::vector<std::string>> strings() {
    std::vector<std::string> out;
    for (;;) {
      const auto pointer = word();
      if (!pointer) return std::nullopt;
      if (*pointer == 0) return out;
      if (*pointer < addr_ || *pointer - addr_ >= bytes_.size()) return std::nullopt;
      const std::string_view rest = bytes_.substr(size_t(*pointer - addr_));
      const size_t end = rest.find('\0');
      if (end == rest.npos) return std::nullopt;
      out.emplace_back(rest.substr(0, end));
    }
  }

 private:
  std::string_view bytes_;
  uint64_t addr_;
  size_t width_, at_ = 0;
};

}  // namespace

std::optional<ProgramStrings> parse_initial_stack(std::string_view bytes, uint64_t addr,
                                                  bool narrow) {
  Stack stack(bytes, addr, narrow);
  const auto argc = stack.word();
  if (!argc) return std::nullopt;
  auto argv = stack.strings();
  if (!argv || argv->size() != *argc) return std::nullopt;
  auto env = stack.strings();
  if (!env) return std::nullopt;
  return ProgramStrings{*std::move(argv), *std::move(env)};
}

}  // namespace fptrace
