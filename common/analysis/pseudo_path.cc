#include "common/analysis/pseudo_path.h"

#include <charconv>
#include <optional>

namespace fptrace {
namespace {

constexpr int32_t kMaxTid = 1 << 22;  // PID_MAX_LIMIT, include/linux/threads.h

bool is_below(std::string_view path, std::string_view dir) {
  return path.starts_with(dir) && (path.size() == dir.size() || path[dir.size()] == '/');
}

// Takes "/NUMBER" off the front.
std::optional<int64_t> take_number(std::string_view& rest) {
  if (rest.size() < 2 || rest[0] != '/') return std::nullopt;
  int64_t n = 0;
  const char* end = rest.data() + rest.size();
  const auto [p, ec] = std::from_chars(rest.data() + 1, end, n);
  if (ec != std::errc{} || n < 0 || (p != end && *p != '/')) return std::nullopt;
  rest.remove_prefix(size_t(p - rest.data()));
  return n;
}

}  // namespace

bool is_pseudo_path(std::string_view path) {
  return is_below(path, "/proc") || is_below(path, "/sys") ||
         (is_below(path, "/dev") && !is_below(path, "/dev/shm"));
}

void PseudoPaths::add_traced(int32_t tid) {
  if (tid < 0 || tid >= kMaxTid) return;
  if (size_t(tid) >= traced_.size()) traced_.resize(size_t(tid) + 1);
  traced_[size_t(tid)] = true;
}

std::string PseudoPaths::canonical(std::string_view path) const {
  if (std::string_view rest = path; rest.starts_with("/dev/pts/")) {
    rest.remove_prefix(8);
    if (take_number(rest) && rest.empty()) return "/dev/pts/[n]";
  }
  if (!path.starts_with("/proc/")) return std::string(path);
  std::string_view rest = path.substr(5);
  std::string out = "/proc";
  if (const auto pid = take_number(rest)) {
    out += is_traced(*pid) ? "/self" : *pid == 1 ? "/1" : "/[pid]";
  } else if (is_below(rest, "/self")) {
    out += "/self";
    rest.remove_prefix(5);
  } else {
    return std::string(path);
  }
  if (rest.starts_with("/task/")) {
    std::string_view after = rest.substr(5);
    if (take_number(after)) {
      out += "/task/[tid]";
      rest = after;
    }
  }
  return out += rest;
}

bool PseudoPaths::of_stranger(std::string_view path) const {
  if (!path.starts_with("/proc/")) return false;
  path.remove_prefix(5);
  const auto pid = take_number(path);
  return pid && *pid != 1 && !is_traced(*pid);
}

}  // namespace fptrace
