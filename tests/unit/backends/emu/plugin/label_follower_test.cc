#include "backends/emu/plugin/label_follower.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fptrace::emu {
namespace {

using taint::Access;
using taint::kNoLabel;
using taint::LabelId;
using taint::LabelSets;

constexpr uint64_t kIn = 0x1000, kClean = 0x2000, kOut = 0x3000, kOther = 0x4000, kTask = 0x77;

// mov rax, [rsi]; mov [rdi], rax
const std::vector<std::string> kCopy = {"\x48\x8b\x06", "\x48\x89\x07"};
// mov rbx, [rcx]; mov [rdx], rbx; mov rax, [rsi]
const std::vector<std::string> kCleanThenLoad = {"\x48\x8b\x19", "\x48\x89\x1a", "\x48\x8b\x06"};
// mov [rdi], rax
const std::vector<std::string> kStore = {"\x48\x89\x07"};
// add rax, rax; jz +0: a branch on what rax has
const std::vector<std::string> kBranch = {"\x48\x01\xc0", std::string("\x74\x00", 2)};
// xor eax, eax
const std::vector<std::string> kForget = {"\x31\xc0"};

// A guest's steps, one after the other, and a follower that they are told to.
class Guest {
 public:
  explicit Guest(bool with_labels = true) {
    wire_->want_taint = 1;
    LabelId labels[8];
    for (uint32_t i = 0; i < 8; ++i) labels[i] = LabelSets::single(i);
    if (with_labels) follower_.memory().store(kIn, 8, value_, labels);
  }

  CodeBlock& block(const std::vector<std::string>& code) {
    auto& block = *blocks_.emplace_back(std::make_unique<CodeBlock>());
    block.size = uint32_t(code.size());
    block.is_user = block.is_64bit = true;
    for (const std::string& instruction : code) {
      block.sites.push_back({uint16_t(block.bytes.size()), 0});
      block.bytes += instruction;
    }
    return block;
  }

  void begins(CodeBlock& block) {
    step(GuestStep::kBlock, CodePlace(block, 0).bits(), count_);
    uint64_t words[3];
    *write_step(words, GuestStep::kLocated, CodePlace(block, 0).bits(), kTask) = 0x400000;
    steps_.emplace_back(words, words + 3);
  }
  // So many more have been.
  void begun(uint64_t instructions) { count_ += instructions; }
  void elsewhere(CodeBlock& block) {
    step(GuestStep::kElsewhere, CodePlace(block, 0).bits(), count_);
  }
  void finishes() { step(GuestStep::kFinish, 0, count_); }
  void loads(uint32_t instruction, uint64_t paddr) { accesses(instruction, paddr, false); }
  void stores(uint32_t instruction, uint64_t paddr) { accesses(instruction, paddr, true); }

  const std::vector<std::vector<uint64_t>>& steps() const { return steps_; }
  // Chunks end behind the steps whose bits are set.
  void follow(uint64_t ends = 0) {
    std::vector<uint64_t> chunk;
    for (size_t i = 0; i < steps_.size(); ++i) {
      chunk.insert(chunk.end(), steps_[i].begin(), steps_[i].end());
      if ((ends >> i & 1) == 0 && i + 1 < steps_.size()) continue;
      follower_.follow(chunk);
      chunk.assign(chunk.size(), ~uint64_t{0});  // nobody may look at them any more
      chunk.clear();
    }
    steps_.clear();
  }

  std::vector<LabelId> labels(uint64_t paddr) {
    std::vector<LabelId> labels(8);
    follower_.memory().load(paddr, 8, value_, labels.data());
    return labels;
  }
  bool has_labels(uint64_t paddr) { return labels(paddr) != std::vector<LabelId>(8, kNoLabel); }
  LabelFollower& follower() { return follower_; }

 private:
  void step(GuestStep step, uint64_t rest, uint64_t value) {
    uint64_t words[2];
    write_step(words, step, rest, value);
    steps_.emplace_back(words, words + 2);
  }
  void accesses(uint32_t instruction, uint64_t paddr, bool is_store) {
    Access access{};
    access.vaddr = 0x7f0000000000 + paddr;
    access.paddr = paddr;
    access.size = 8;
    access.is_store = is_store;
    access.instruction = uint16_t(instruction);
    std::memcpy(access.value, value_, 8);
    uint64_t words[WordQueue::kMostAtOnce];
    steps_.emplace_back(words, write_access(words, access));
  }

  static constexpr uint8_t value_[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::unique_ptr<Wire> wire_ = std::make_unique<Wire>();
  GuestRam ram_;
  LabelFollower follower_{*wire_, ram_};
  std::vector<std::unique_ptr<CodeBlock>> blocks_;
  std::vector<std::vector<uint64_t>> steps_;
  uint64_t count_ = 100;
};

TEST(LabelFollower, ABlockIsCarriedOutWhenTheNextOneBegins) {
  Guest guest;
  CodeBlock& copy = guest.block(kCopy);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.stores(1, kOut);
  guest.follow();
  EXPECT_TRUE(guest.follower().active());
  EXPECT_FALSE(guest.has_labels(kOut));
  guest.begun(2);
  guest.begins(copy);
  guest.follow();
  EXPECT_EQ(guest.labels(kOut), guest.labels(kIn));
  EXPECT_EQ(guest.follower().counts().activations, 1u);
  EXPECT_EQ(guest.follower().counts().blocks, 1u);
}

TEST(LabelFollower, WhatWasCompletedIsCarriedOutAtAFinishAndTheRestLater) {
  Guest guest;
  CodeBlock& copy = guest.block(kCopy);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.begun(2);  // the second one runs
  guest.finishes();
  guest.follow();
  EXPECT_TRUE(guest.follower().holds_labels());
  guest.stores(1, kOut);
  guest.begins(copy);
  guest.follow();
  EXPECT_EQ(guest.labels(kOut), guest.labels(kIn));
}

TEST(LabelFollower, AnInstructionThatFaultedDoesNothing) {
  Guest guest;
  CodeBlock& copy = guest.block(kCopy);
  CodeBlock& store = guest.block(kStore);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.begun(1);
  guest.begins(store);  // of whoever serves the fault
  guest.stores(0, kOut);
  guest.begun(1);
  guest.begins(store);
  guest.follow();
  EXPECT_FALSE(guest.has_labels(kOut));
}

TEST(LabelFollower, AnInstructionThatIsDoneAgainByABlockOfItsOwnIsDoneOnce) {
  Guest guest;
  CodeBlock& copy = guest.block(kCopy);
  CodeBlock& again = guest.block(kStore);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.begun(2);
  guest.stores(1, kOther);  // stopped here
  guest.elsewhere(again);
  guest.stores(0, kOut);
  guest.begins(copy);
  guest.follow();
  EXPECT_EQ(guest.labels(kOut), guest.labels(kIn));
  EXPECT_FALSE(guest.has_labels(kOther));
}

TEST(LabelFollower, WithoutLabelsInRegistersAStoreTakesThoseOfMemory) {
  Guest guest;
  CodeBlock& store = guest.block(kStore);
  guest.begins(store);
  guest.stores(0, kIn);
  guest.follow();
  EXPECT_FALSE(guest.has_labels(kIn));
  EXPECT_FALSE(guest.follower().active());
}

TEST(LabelFollower, IsActiveNoMoreWhenRegistersHaveNoLabel) {
  Guest guest;
  CodeBlock& load = guest.block(kCleanThenLoad);
  CodeBlock& forget = guest.block(kForget);
  guest.begins(load);
  guest.loads(0, kClean);
  guest.stores(1, kClean);
  guest.loads(2, kIn);
  guest.begun(3);
  guest.begins(forget);
  guest.follow();
  EXPECT_TRUE(guest.follower().holds_labels());
  guest.begun(1);
  guest.begins(load);
  guest.follow();
  EXPECT_FALSE(guest.follower().active());
  EXPECT_FALSE(guest.follower().holds_labels());
}

TEST(LabelFollower, WhatAProgramLoadsAndBranchesOnIsReportedInOrder) {
  Guest guest;
  CodeBlock& copy = guest.block(kCopy);
  CodeBlock& branch = guest.block(kBranch);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.stores(1, kOut);
  guest.begun(2);
  guest.begins(branch);
  guest.begun(2);
  guest.begins(branch);
  guest.follow();
  const std::vector<Report> reports = guest.follower().take_reports();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].kind, report_kind(TaintFindingKind::kHolder));
  EXPECT_EQ(reports[0].task, kTask);
  EXPECT_EQ(reports[0].count, 101u);
  EXPECT_EQ(reports[0].vaddr, 0x400000u);
  EXPECT_EQ(reports[1].kind, report_kind(TaintFindingKind::kBranch));
  EXPECT_EQ(reports[1].count, 104u);
  EXPECT_EQ(reports[1].vaddr, 0x400003u);
  EXPECT_TRUE(guest.follower().take_reports().empty());
}

// Blocks of which the first accesses meet no label, then all kinds of ends.
void play(Guest& guest) {
  CodeBlock& load = guest.block(kCleanThenLoad);
  CodeBlock& copy = guest.block(kCopy);
  CodeBlock& store = guest.block(kStore);
  guest.begins(copy);
  guest.loads(0, kIn);
  guest.stores(1, kOut);
  guest.begun(2);
  for (const uint64_t from : {kIn, kClean}) {  // one quiet, one not
    guest.begins(load);
    guest.loads(0, kClean);
    guest.stores(1, kClean);
    guest.loads(2, from);
    guest.begun(3);
  }
  guest.begins(store);
  guest.stores(0, kOther);
  guest.begun(1);
  guest.begins(load);
  guest.loads(0, kOut);
  guest.begun(2);
  guest.finishes();
  guest.stores(1, kOther + 8);
}

TEST(LabelFollower, ChunksMayEndAnywhere) {
  Guest whole;
  play(whole);
  const size_t count = whole.steps().size();
  whole.follow();
  EXPECT_TRUE(whole.has_labels(kOut));
  const size_t reports = whole.follower().take_reports().size();
  for (uint64_t ends = 1; ends < uint64_t{1} << count; ends = ends * 5 / 3 + 1) {
    Guest parts;
    play(parts);
    parts.follow(ends);
    for (const uint64_t paddr : {kIn, kClean, kOut, kOther, kOther + 8})
      EXPECT_EQ(parts.labels(paddr), whole.labels(paddr)) << ends;
    EXPECT_EQ(parts.follower().counts().blocks, whole.follower().counts().blocks);
    EXPECT_EQ(parts.follower().counts().quiet_blocks, whole.follower().counts().quiet_blocks);
    EXPECT_EQ(parts.follower().counts().instructions, whole.follower().counts().instructions);
    EXPECT_EQ(parts.follower().take_reports().size(), reports);
  }
}

}  // namespace
}  // namespace fptrace::emu
