#pragma once
#include <map>
#include <string>
#include <string_view>

#include "common/event/tracer.h"

namespace fptrace {

// Whether the name of a variable says that its value is a secret: a word like TOKEN, SECRET,
// PASSWORD, CREDENTIALS in it, or KEY, PASS, PWD as its last word.
bool looks_secret(std::string_view name);
inline constexpr std::string_view kRedacted = "<redacted>";
// The value as it may be shown: "<redacted>" for a secret, and a password within a URL masked
// whatever the name.
std::string redact(std::string_view name, std::string_view value);

// What the main program was given. Later environments are left out: what a program sets for its
// children (job server descriptors, its own pid) is its doing, not the run's input.
class Environment : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses; }
  Result<void> on_event(const Event& event) override;

  // Where a name is set twice, the first counts, as for getenv. Not redacted.
  const std::map<std::string, std::string>& variables() const { return variables_; }

 private:
  bool seen_ = false;
  std::map<std::string, std::string> variables_;
};

}  // namespace fptrace
