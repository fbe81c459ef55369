#include "backends/emu/tracer/taint_calls.h"

#include <algorithm>

#include "common/syscall/arguments.h"
#include "common/syscall/table.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kMostPieces = 1024;  // UIO_MAXIOV

constexpr std::string_view kMoving[] = {
    "read",   "readv",  "recv",   "recvfrom", "recvmsg",  "send",      "sendfile",
    "sendfile64", "sendmsg", "sendto", "splice",   "write",    "writev"};
constexpr std::string_view kClosing[] = {"close",  "close_range", "dup2",  "dup3",
                                         "execve", "execveat",    "munmap"};

// readv(2): struct iovec[].
std::vector<UserBytes> vector_at(TaskView& task, uint64_t addr, uint64_t count, bool narrow) {
  std::vector<UserBytes> out;
  const uint64_t word = narrow ? 4 : 8;
  for (uint64_t i = 0; i < std::min(count, kMostPieces); ++i) {
    const auto base = read_word(task, addr + 2 * i * word, narrow);
    const auto size = read_word(task, addr + (2 * i + 1) * word, narrow);
    if (!base || !size) break;
    out.push_back({*base, *size});
  }
  return out;
}

// recvmsg(2): struct msghdr has a pointer, a length of 32 bits, then the vector.
std::vector<UserBytes> message_at(TaskView& task, uint64_t addr, bool narrow) {
  const uint64_t word = narrow ? 4 : 8;
  const auto base = read_word(task, addr + 2 * word, narrow);
  const auto count = read_word(task, addr + 3 * word, narrow);
  if (!base || !count) return {};
  return vector_at(task, *base, *count, narrow);
}

// `offset` is a pointer to one, or 0.
MovedBytes from_file(TaskView& task, int to, int from, uint64_t offset, bool wide) {
  MovedBytes out{Moves::kFileOut, to, {}, from, {}};
  if (offset != 0) out.offset = read_word(task, offset, !wide);
  return out;
}

}  // namespace

std::span<const std::string_view> moving_calls() { return kMoving; }
std::span<const std::string_view> closing_calls() { return kClosing; }

std::optional<MovedBytes> moved_bytes(TaskView& task, const SyscallCall& call) {
  const SyscallRow* const row = find_syscall(call.abi, call.nr);
  if (!row) return std::nullopt;
  const std::string_view name = row->name;
  const Arguments args(call);
  const int fd = args.i32(0);
  const auto buffer = [&](Moves how) {
    return MovedBytes{how, fd, {{args.word(1), args.word(2)}}};
  };
  const auto vector = [&](Moves how) {
    return MovedBytes{how, fd, vector_at(task, args.word(1), args.word(2), args.narrow())};
  };
  const auto message = [&](Moves how) {
    return MovedBytes{how, fd, message_at(task, args.word(1), args.narrow())};
  };
  if (name == "write" || name == "send" || name == "sendto") return buffer(Moves::kOut);
  if (name == "read" || name == "recv" || name == "recvfrom") return buffer(Moves::kIn);
  if (name == "writev") return vector(Moves::kOut);
  if (name == "readv") return vector(Moves::kIn);
  if (name == "sendmsg") return message(Moves::kOut);
  if (name == "recvmsg") return message(Moves::kIn);
  if (name == "sendfile" || name == "sendfile64")
    return from_file(task, fd, args.i32(1), args.word(2),
                     name == "sendfile64" || !args.narrow());
  if (name == "splice") return from_file(task, args.i32(2), fd, args.word(1), true);
  return std::nullopt;
}

}  // namespace fptrace::emu
