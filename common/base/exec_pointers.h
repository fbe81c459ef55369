#pragma once
#include <string>
#include <vector>

namespace fptrace {

// As execve(2) takes an argument list or an environment, which it does not change: with a null
// pointer at the end. Valid as long as `strings` are, and are not changed.
inline std::vector<char*> exec_pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace fptrace
