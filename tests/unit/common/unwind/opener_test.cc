#include "common/unwind/opener.h"

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"
#include "tests/unit/common/unwind/object_image.h"

namespace fptrace::unwind {
namespace {

using testing::ObjectImage;

// A program, a library and a C library without frame information: the walk goes by the frame
// pointer, so only slots count. What compilers make is walked in tests/e2e/openers_test.py.
class Opener : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr uint64_t kLibc = 0x10000000, kLibrary = 0x20000000, kProgram = 0x30000000;
  static constexpr uint64_t kStack = 0x40000000, kCode = 0x1000;

  void SetUp() override {
    map(kLibc, "/lib/libc.so.6", libc_);
    map(kLibrary, "/lib/libwrap.so", library_);
    map(kProgram, "/bin/program", program_);
    task_.regions.push_back({kStack, kStack + 0x1000, 0, 0, 0, true, "[stack]"});
    task_.cpu = Registers{};
    task_.cpu->is_i386 = GetParam();
    set_pc(kLibc + kCode);
    task_.cpu->value[task_.cpu->sp_index()] = kStack;
    stack_.assign(0x1000, '\0');
  }

  void map(uint64_t base, const std::string& path, ObjectImage& image) {
    images_.push_back({base, &image});
    task_.regions.push_back({base, base + kCode, 0, 1, base, false, path});
    task_.regions.push_back({base + kCode, base + ObjectImage::kSize, kCode, 1, base, true, path});
  }
  void set_pc(uint64_t pc) { task_.cpu->value[task_.cpu->pc_index()] = pc; }

  // The next outer frame: its code at `base`, which has come here by a call of `target`.
  void called_from(uint64_t base, ObjectImage& image, uint64_t target) {
    const uint64_t returns_to = kCode + 0x100;
    image.put(returns_to - 5, uint8_t{0xe8});
    image.put(returns_to - 4, int32_t(target - returns_to));
    push(base + returns_to);
  }
  void push(uint64_t returns_to) {
    const size_t word = GetParam() ? 4 : 8, at = frame_ * 64;
    if (frame_ == 0) task_.cpu->value[task_.cpu->frame_pointer_index()] = kStack;
    const uint64_t next = kStack + at + 64;
    std::memcpy(&stack_[at], &next, word);
    std::memcpy(&stack_[at + word], &returns_to, word);
    ++frame_;
  }

  std::string opener() {
    for (const auto& [base, image] : images_) task_.put_at(base, image->bytes());
    task_.put_at(kStack, stack_);
    return OpenerFinder().opener(task_);
  }

  ObjectImage libc_{GetParam(), "libc.so.6", {}};
  ObjectImage library_{GetParam(), "libwrap.so", {"open64", "malloc"}};
  ObjectImage program_{GetParam(), "", {"fopen", "getpwnam"}};
  fptrace::testing::FakeFileSystem fs_;
  fptrace::testing::FakeTask task_{fs_};
  std::vector<std::pair<uint64_t, ObjectImage*>> images_;
  std::string stack_;
  size_t frame_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, Opener, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "I386" : "X86_64"; });

TEST_P(Opener, IsTheInnermostObjectOutsideTheCLibrary) {
  set_pc(kLibrary + kCode);
  EXPECT_EQ(opener(), "/lib/libwrap.so");
}

TEST_P(Opener, IsWhoCalledAnOpeningFunction) {
  called_from(kProgram, program_, program_.plt_entry(0));
  EXPECT_EQ(opener(), "/bin/program");
}

TEST_P(Opener, IsTheCLibraryWhenAnotherFunctionWasCalled) {
  called_from(kProgram, program_, program_.plt_entry(1));
  EXPECT_EQ(opener(), "/lib/libc.so.6");
}

TEST_P(Opener, FramesOfTheCLibraryAreSkipped) {
  called_from(kLibc, libc_, kCode);
  called_from(kProgram, program_, program_.plt_entry(0));
  EXPECT_EQ(opener(), "/bin/program");
}

TEST_P(Opener, AWrapperIsTheOpenerUnlessItWasCalledByAnOpenersName) {
  library_.define(0);
  called_from(kLibrary, library_, library_.plt_entry(0));
  called_from(kProgram, program_, program_.plt_entry(1));
  EXPECT_EQ(opener(), "/lib/libwrap.so");
}

TEST_P(Opener, AWrapperThatWasCalledByAnOpenersNameIsNot) {
  library_.define(0);
  called_from(kLibrary, library_, library_.plt_entry(0));
  called_from(kProgram, program_, program_.plt_entry(0));
  EXPECT_EQ(opener(), "/bin/program");
}

TEST_P(Opener, AGuessedFrameThatNoSlotProvesDoesNotCount) {
  called_from(kProgram, program_, kCode + 0x500);  // its own code
  EXPECT_EQ(opener(), "/lib/libc.so.6");
}

TEST_P(Opener, AnonymousCodeIsNobody) {
  set_pc(kStack + 8);
  EXPECT_EQ(opener(), "");
}

TEST_P(Opener, CodeThatIsNotMappedIsNobody) {
  set_pc(0x1234);
  EXPECT_EQ(opener(), "");
}

TEST_P(Opener, WithoutRegistersIsNobody) {
  task_.cpu.reset();
  EXPECT_EQ(opener(), "");
}

TEST_P(Opener, StackThatLeadsNowhere) {
  for (const uint64_t frame :
       {uint64_t{0}, kStack - 8, kStack + 1, kStack + 0x1000 - 4, ~uint64_t{7}}) {
    task_.cpu->value[task_.cpu->frame_pointer_index()] = GetParam() ? uint32_t(frame) : frame;
    EXPECT_EQ(opener(), "/lib/libc.so.6") << frame;
  }
}

TEST_P(Opener, StackThatGoesInACircle) {
  called_from(kLibc, libc_, kCode);
  const uint64_t self = kStack;
  std::memcpy(&stack_[0], &self, GetParam() ? 4 : 8);
  EXPECT_EQ(opener(), "/lib/libc.so.6");
}

TEST_P(Opener, AnEndlessStackEnds) {
  // More frames of the C library than are walked, and the program beyond them.
  stack_.assign(0x10000, '\0');
  for (int i = 0; i < FrameWalker::kMostFrames; ++i) called_from(kLibc, libc_, kCode);
  called_from(kProgram, program_, program_.plt_entry(0));
  EXPECT_EQ(opener(), "/lib/libc.so.6");
}

TEST_P(Opener, WhatIsMappedIsReadAgainWhenTold) {
  called_from(kProgram, program_, program_.plt_entry(0));
  for (const auto& [base, image] : images_) task_.put_at(base, image->bytes());
  task_.put_at(kStack, stack_);
  OpenerFinder finder;
  EXPECT_EQ(finder.opener(task_), "/bin/program");
  for (MemoryRegion& region : task_.regions)
    if (region.path == "/bin/program") region.path = "/bin/other";
  EXPECT_EQ(finder.opener(task_), "/bin/program");
  finder.forget(task_.pid());
  EXPECT_EQ(finder.opener(task_), "/bin/other");
}

}  // namespace
}  // namespace fptrace::unwind
