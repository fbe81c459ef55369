#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "frontends/doctor/facts.h"

namespace fptrace::doctor {

enum class Verdict {
  kOk,
  kWarn,  // works, with a loss that is named
  kFail,  // fptrace cannot do its work
};
std::string_view to_string(Verdict v);

struct Check {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string found;   // what is the case
  std::string advice;  // what to do about it; empty when there is nothing to do
  bool operator==(const Check&) const = default;
};

// Pure.
std::vector<Check> judge(const Facts& facts);
bool can_trace(const std::vector<Check>& checks);

}  // namespace fptrace::doctor
