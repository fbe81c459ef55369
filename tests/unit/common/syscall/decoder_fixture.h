#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/syscall/decoder.h"
#include "common/syscall/table.h"
#include "tests/support/fake_task.h"

namespace fptrace {

// A decoder, one fake task, and calls by name.
class DecoderFixture : public ::testing::Test {
 protected:
  using Bodies = std::vector<EventBody>;
  static constexpr uint64_t kCwd = uint64_t(int64_t{AT_FDCWD});
  static constexpr uint64_t kNowhere = 0xdead0000;  // not readable

  std::unique_ptr<PendingCall> enter(std::string_view name, std::array<uint64_t, 6> args,
                                     Abi abi = Abi::kX86_64) {
    const SyscallRow* row = find_syscall(name);
    EXPECT_NE(row, nullptr) << name;
    EXPECT_GE(row->nr[size_t(abi)], 0) << name << " is not in this ABI";
    return decoder_.enter(task_, {abi, uint64_t(row->nr[size_t(abi)]), args});
  }
  Bodies leave(const std::unique_ptr<PendingCall>& call, int64_t result) {
    Bodies out;
    if (call) decoder_.leave(task_, *call, result, out);
    return out;
  }
  Bodies run(std::string_view name, std::array<uint64_t, 6> args, int64_t result,
             Abi abi = Abi::kX86_64) {
    return leave(enter(name, args, abi), result);
  }
  // The only event of the call, which must be a T.
  template <class T>
  T one(const Bodies& bodies) {
    EXPECT_EQ(bodies.size(), 1u);
    if (bodies.size() != 1 || !std::holds_alternative<T>(bodies[0])) {
      ADD_FAILURE() << "not the one event that was expected";
      return {};
    }
    return std::get<T>(bodies[0]);
  }
  std::optional<int64_t> predicted(std::string_view name, std::array<uint64_t, 6> args,
                                   Abi abi = Abi::kX86_64) {
    const auto call = enter(name, args, abi);
    return call ? call->predicted() : std::nullopt;
  }
  // Paths of may_change(), each with + when the content is kept.
  std::vector<std::string> changes(std::string_view name, std::array<uint64_t, 6> args,
                                   Abi abi = Abi::kX86_64) {
    std::vector<std::string> paths;
    if (const auto call = enter(name, args, abi))
      for (const auto& change : call->may_change())
        paths.push_back(change.file.path + (change.keeps_content ? "+" : ""));
    return paths;
  }
  uint64_t str(std::string_view text) { return task_.put_string(text); }

  testing::FakeFileSystem fs_;
  testing::FakeTask task_{fs_};
  Decoder decoder_;
};

}  // namespace fptrace
