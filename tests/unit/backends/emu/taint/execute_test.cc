#include "backends/emu/taint/execute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fptrace::emu::taint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Code = std::vector<uint8_t>;
using Labels = std::vector<uint32_t>;

constexpr unsigned kRax = 0, kRbx = 1, kRcx = 2, kRdx = 3, kRsi = 4, kR11 = 11;

// A processor and memory, of which only the labels are known. Virtual addresses are physical ones.
class Execute : public ::testing::Test {
 protected:
  static constexpr uint64_t kData = 0x20000;

  // Appends an instruction to the block.
  void add(const Code& code, bool is_64bit = true) {
    cache_.decoder().decode(code.data(), code.size(), is_64bit, block_);
  }
  void load(uint64_t addr, std::initializer_list<uint8_t> values) { access(addr, values, false); }
  void store(uint64_t addr, std::initializer_list<uint8_t> values) { access(addr, values, true); }
  // Of the instruction that was added last.
  void access(uint64_t addr, std::initializer_list<uint8_t> values, bool is_store) {
    Access access{};
    access.vaddr = access.paddr = addr;
    access.paddr2 = (addr | 0xfff) + 1;
    access.size = uint8_t(values.size());
    access.is_store = is_store;
    access.instruction = uint16_t(block_.instructions.size() - 1);
    std::copy(values.begin(), values.end(), access.value);
    log_.push_back(access);
  }
  // What was added is executed, and forgotten.
  bool run() {
    Decoder::finish(block_);
    findings_.count = 0;
    const bool effect = execute(block_, 0, uint32_t(block_.instructions.size()), log_, policy_,
                                {registers_, memory_, sets_}, findings_);
    block_ = Block();
    log_.clear();
    return effect;
  }
  bool run(const Code& code) {
    add(code);
    return run();
  }

  void label(uint16_t place, unsigned size, uint32_t first, uint32_t step = 0) {
    for (unsigned i = 0; i < size; ++i)
      registers_.bytes[place + i] = LabelSets::single(first + i * step);
    registers_.refresh(kAllRegisters);
  }
  void label_memory(uint64_t addr, std::initializer_list<uint8_t> values, uint32_t first) {
    for (const uint8_t value : values) {
      const LabelId id = LabelSets::single(first++);
      memory_.store(addr++, 1, &value, &id);
    }
  }
  Labels of(LabelId id) {
    Labels labels;
    LabelRun single;
    for (const LabelRun run : sets_.runs(id, single))
      for (uint32_t at = run.first; at <= run.last; ++at) labels.push_back(at);
    return labels;
  }
  Labels at(uint16_t place) { return of(registers_.bytes[place]); }
  Labels in_memory(uint64_t addr, uint8_t value) {
    LabelId id;
    memory_.load(addr, 1, &value, &id);
    return of(id);
  }
  std::vector<Finding::Kind> findings() const {
    std::vector<Finding::Kind> kinds;
    for (uint32_t i = 0; i < findings_.count; ++i) kinds.push_back(findings_.items[i].kind);
    return kinds;
  }

  static constexpr RegisterMask kAllRegisters = ~RegisterMask{0};
  BlockCache cache_;
  RegisterShadow registers_;
  ShadowMemory memory_;
  LabelSets sets_;
  Policy policy_;
  FindingList findings_;
  Block block_;
  std::vector<Access> log_;
};

// --- What any engine must reproduce --------------------------------------------------------------

TEST_F(Execute, SumsHaveTheLabelsOfWhatWasAdded) {
  label(gpr_at(kRax), 4, 10);
  label(gpr_at(kRbx), 4, 20);
  label(gpr_at(kRcx), 4, 30);
  add({0x01, 0xc3});  // add ebx, eax
  add({0x01, 0xd9});  // add ecx, ebx
  EXPECT_TRUE(run());
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(10));
  EXPECT_THAT(at(gpr_at(kRbx)), ElementsAre(10, 20));
  EXPECT_THAT(at(gpr_at(kRcx)), ElementsAre(10, 20, 30));
}

TEST_F(Execute, SumOfEverySecondByteHasTheirLabels) {
  const char text[] = "Hello world";
  for (uint32_t i = 0; i < 11; ++i) label_memory(kData + i, {uint8_t(text[i])}, i);
  add({0x31, 0xc0});  // xor eax, eax
  for (uint32_t i = 0; i < 11; i += 2) {
    add({0x0f, 0xb6, 0x16});  // movzx edx, byte [rsi]
    load(kData + i, {uint8_t(text[i])});
    add({0x01, 0xd0});              // add eax, edx
    add({0x48, 0x83, 0xc6, 0x02});  // add rsi, 2
  }
  run();
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(at(gpr_at(kRsi)), IsEmpty());
}

TEST_F(Execute, StringInstructionCopiesByteForByte) {
  label_memory(kData, {'a', 'b', 'c'}, 7);
  add({0xf3, 0xa4});  // rep movsb
  for (uint8_t i = 0; i < 3; ++i) {
    load(kData + i, {uint8_t('a' + i)});
    store(kData + 0x100 + i, {uint8_t('a' + i)});
  }
  EXPECT_TRUE(run());
  EXPECT_THAT(in_memory(kData + 0x100, 'a'), ElementsAre(7));
  EXPECT_THAT(in_memory(kData + 0x101, 'b'), ElementsAre(8));
  EXPECT_THAT(in_memory(kData + 0x102, 'c'), ElementsAre(9));
}

// --- Registers and their parts -------------------------------------------------------------------

TEST_F(Execute, WriteOfAPartLeavesTheRest) {
  label(gpr_at(kRax), 8, 10, 1);
  run({0xb4, 0x05});  // mov ah, 5
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(10));
  EXPECT_THAT(at(gpr_at(kRax) + 1), IsEmpty());
  EXPECT_THAT(at(gpr_at(kRax) + 2), ElementsAre(12));
  run({0x66, 0xb8, 0x05, 0x00});  // mov ax, 5
  EXPECT_THAT(at(gpr_at(kRax)), IsEmpty());
  EXPECT_THAT(at(gpr_at(kRax) + 7), ElementsAre(17));
  run({0xb8, 0x05, 0x00, 0x00, 0x00});  // mov eax, 5
  EXPECT_EQ(registers_.labelled, 0u) << "32 bits that are written make the other 32 zeros";
}

TEST_F(Execute, LabelledRegistersAreKnownExactly) {
  label(gpr_at(kRbx), 1, 1);
  run({0x48, 0x0f, 0xb6, 0xc3});  // movzx rax, bl
  EXPECT_EQ(registers_.labelled, RegisterMask{1} << kRax | RegisterMask{1} << kRbx);
  run({0x30, 0xc0});  // xor al, al
  EXPECT_EQ(registers_.labelled, RegisterMask{1} << kRbx);
}

TEST_F(Execute, EqualsSubtractedAreAConstant) {
  label(gpr_at(kRax), 8, 1);
  label(vector_at(3), 16, 2);
  label(flag_at(kZf), 1, 3);
  EXPECT_FALSE(run({0x48, 0x29, 0xc0}));        // sub rax, rax
  EXPECT_FALSE(run({0x66, 0x0f, 0xef, 0xdb}));  // pxor xmm3, xmm3
  EXPECT_EQ(registers_.labelled, 0u);
}

TEST_F(Execute, MaskedBytesHaveNoLabel) {
  label(gpr_at(kRax), 4, 10, 1);
  run({0x25, 0x00, 0xff, 0x00, 0x00});  // and eax, 0xff00
  EXPECT_THAT(at(gpr_at(kRax)), IsEmpty());
  EXPECT_THAT(at(gpr_at(kRax) + 1), ElementsAre(11));
  EXPECT_THAT(at(flag_at(kZf)), ElementsAre(11));
  EXPECT_THAT(at(flag_at(kSf)), IsEmpty());
}

TEST_F(Execute, IncrementKeepsTheCarryFlag) {
  label(flag_at(kCf), 1, 5);
  label(gpr_at(kRax), 8, 6);
  run({0x48, 0xff, 0xc0});  // inc rax
  EXPECT_THAT(at(flag_at(kCf)), ElementsAre(5));
  EXPECT_THAT(at(flag_at(kOf)), ElementsAre(6));
}

TEST_F(Execute, EmptiedStackRegisterHasNoLabel) {
  label_memory(kData, {1, 2, 3, 4}, 1);
  add({0xd9, 0x06});  // fld dword [rsi]
  load(kData, {1, 2, 3, 4});
  run();
  EXPECT_THAT(at(x87_at(0)), ElementsAre(1, 2, 3, 4));
  add({0xdd, 0x1f});  // fstp qword [rdi]
  store(kData + 64, {1, 0, 0, 0, 0, 0, 0, 0});
  run();
  EXPECT_THAT(in_memory(kData + 64, 1), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(registers_.labelled & kX87Mask, 0u);
}

// --- Memory --------------------------------------------------------------------------------------

TEST_F(Execute, AccessMayCrossPages) {
  label(gpr_at(kRax), 4, 10, 1);
  add({0x89, 0x06});  // mov [rsi], eax
  store(kData + 0xffe, {1, 2, 3, 4});
  run();
  EXPECT_THAT(in_memory(kData + 0xfff, 2), ElementsAre(11));
  EXPECT_THAT(in_memory(kData + 0x1000, 3), ElementsAre(12));
  add({0x8b, 0x1e});  // mov ebx, [rsi]
  load(kData + 0xffe, {1, 2, 3, 4});
  run();
  EXPECT_THAT(at(gpr_at(kRbx) + 3), ElementsAre(13));
}

TEST_F(Execute, PiecesOfAnAccessMakeUpOne) {
  label_memory(kData, {1, 2, 3, 4, 5, 6, 7, 8, 9}, 100);
  add({0x0f, 0x10, 0x06});  // movups xmm0, [rsi]
  load(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  load(kData + 8, {9, 0, 0, 0, 0, 0, 0, 0});
  run();
  EXPECT_THAT(at(vector_at(0) + 8), ElementsAre(108));
  EXPECT_THAT(at(vector_at(0) + 9), IsEmpty());
}

TEST_F(Execute, ValueThatIsAnotherHasNoLabel) {
  label_memory(kData, {1, 2}, 5);
  add({0x66, 0x8b, 0x06});  // mov ax, [rsi]
  load(kData, {1, 77});
  run();
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(5));
  EXPECT_THAT(at(gpr_at(kRax) + 1), IsEmpty());
}

// Whatever becomes of them.
TEST_F(Execute, LoadsOfLabelsAreObserved) {
  struct Seen : LoadObserver {
    void loaded(uint16_t instruction, std::span<const LabelId> labels) override {
      all.emplace_back(instruction, std::vector<LabelId>(labels.begin(), labels.end()));
    }
    std::vector<std::pair<uint16_t, std::vector<LabelId>>> all;
  } seen;
  label_memory(kData, {1, 2}, 70);
  add({0x66, 0x8b, 0x06});  // mov ax, [rsi]
  load(kData + 1, {2, 3});
  add({0x66, 0x8b, 0x06});  // mov ax, [rsi]
  load(kData + 4, {0, 0});
  add({0x80, 0x3e, 0x01});  // cmp byte [rsi], 1: the next one's flags cover its own
  load(kData, {1});
  add({0x80, 0x3e, 0x01});
  load(kData, {9});   // another value than was labelled
  add({0x88, 0x06});  // mov [rsi], al
  store(kData + 1, {0});
  execute(block_, 0, uint32_t(block_.instructions.size()), log_, policy_,
          {registers_, memory_, sets_, &seen}, findings_);
  const auto one = [](uint32_t label) { return LabelSets::single(label); };
  EXPECT_THAT(seen.all,
              ElementsAre(Pair(0, ElementsAre(one(71), kNoLabel)), Pair(2, ElementsAre(one(70)))));
}

TEST_F(Execute, StoreWithoutLabelsRemovesThose) {
  label_memory(kData, {1, 2, 3}, 5);
  add({0xc6, 0x06, 0x00});  // mov byte [rsi], 0
  store(kData + 1, {0});
  EXPECT_FALSE(run());
  EXPECT_EQ(memory_.labelled(), 2u);
}

TEST_F(Execute, AddressCountsUnderThatPolicyOnly) {
  const Code lookup = {0x0f, 0xb6, 0x04, 0x0b};  // movzx eax, byte [rbx + rcx]
  label(gpr_at(kRcx), 8, 3);
  add(lookup);
  load(kData, {9});
  EXPECT_FALSE(run());
  EXPECT_THAT(at(gpr_at(kRax)), IsEmpty());
  policy_.pointers = true;
  label_memory(kData, {9}, 50);
  add(lookup);
  load(kData, {9});
  EXPECT_TRUE(run());
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(3, 50));
  EXPECT_THAT(at(gpr_at(kRax) + 1), IsEmpty());
}

// --- What did not happen -------------------------------------------------------------------------

TEST_F(Execute, InstructionThatFaultedChangedNothing) {
  label(gpr_at(kRax), 8, 1);
  add({0x48, 0x89, 0xc3});  // mov rbx, rax
  add({0x48, 0x01, 0x06});  // add [rsi], rax: the store is missing
  load(kData, {0, 0, 0, 0, 0, 0, 0, 0});
  run();
  EXPECT_THAT(at(gpr_at(kRbx)), ElementsAre(1));
  EXPECT_THAT(at(flag_at(kZf)), IsEmpty());
  EXPECT_EQ(memory_.labelled(), 0u);
}

TEST_F(Execute, LoadThatFaultedLeavesItsTarget) {
  label(gpr_at(kRax), 8, 1);
  run({0x48, 0x8b, 0x06});  // mov rax, [rsi]
  EXPECT_THAT(at(gpr_at(kRax)), ElementsAre(1));
}

TEST_F(Execute, RepeatedCopyThatFaultedCopiedSome) {
  label_memory(kData, {'a', 'b'}, 7);
  add({0xf3, 0xa4});  // rep movsb
  load(kData, {'a'});
  store(kData + 0x100, {'a'});
  load(kData + 1, {'b'});
  run();
  EXPECT_THAT(in_memory(kData + 0x100, 'a'), ElementsAre(7));
  EXPECT_EQ(memory_.labelled(), 3u);
}

TEST_F(Execute, OnlyInstructionsOfTheRangeAreExecuted) {
  label(gpr_at(kRax), 8, 1);
  add({0x48, 0x89, 0xc3});  // mov rbx, rax
  add({0x48, 0x89, 0xd9});  // mov rcx, rbx
  add({0x48, 0x89, 0xca});  // mov rdx, rcx
  Decoder::finish(block_);
  execute(block_, 0, 2, {}, policy_, {registers_, memory_, sets_}, findings_);
  EXPECT_THAT(at(gpr_at(kRcx)), ElementsAre(1));
  EXPECT_THAT(at(gpr_at(kRdx)), IsEmpty());
  execute(block_, 2, 3, {}, policy_, {registers_, memory_, sets_}, findings_);
  EXPECT_THAT(at(gpr_at(kRdx)), ElementsAre(1));
}

TEST_F(Execute, WideStackOperationsAreWideWhateverOtherPrefixThereIs) {
  label(gpr_at(kRax), 8, 10, 1);
  add({0x66, 0x48, 0x50});  // push rax
  store(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  add({0x66, 0x48, 0x59});  // pop rcx
  load(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  add({0x66, 0x48, 0xff, 0x36});  // push qword [rsi]
  load(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  store(kData + 16, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_TRUE(run());
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_THAT(at(uint16_t(gpr_at(kRcx) + i)), ElementsAre(10 + i));
    EXPECT_THAT(in_memory(kData + 16 + i, uint8_t(i + 1)), ElementsAre(10 + i));
  }
}

// --- Findings ------------------------------------------------------------------------------------

TEST_F(Execute, WhatTwoBytesAreComparedForIsReportedWithBothLabels) {
  label(gpr_at(kRax), 1, 7);
  label(gpr_at(kRbx), 1, 3);
  add({0x38, 0xd8});  // cmp al, bl
  add({0x74, 0x00});  // jz
  EXPECT_TRUE(run());
  ASSERT_THAT(findings(), ElementsAre(Finding::kBranch));
  EXPECT_THAT(of(findings_.items[0].label), ElementsAre(3, 7));
  EXPECT_EQ(sets_.stored(), 0u) << "it was looked at and forgotten";
}

TEST_F(Execute, WordsAreComparedAsAWhole) {
  label(gpr_at(kRax), 4, 10, 1);
  label(gpr_at(kRbx), 4, 20, 1);
  add({0x39, 0xd8});  // cmp eax, ebx
  EXPECT_TRUE(run());
  for (const unsigned flag : {kCf, kZf, kSf, kOf})
    EXPECT_THAT(at(flag_at(flag)), ElementsAre(10, 11, 12, 13, 20, 21, 22, 23)) << flag;
  for (const unsigned flag : {kPf, kAf})
    EXPECT_THAT(at(flag_at(flag)), ElementsAre(10, 20)) << flag;
}

TEST_F(Execute, FlagsKeepWhatWasComparedHoweverMuchIsComparedLater) {
  label(gpr_at(kRax), 1, 7);
  label(gpr_at(kRbx), 1, 3);
  EXPECT_TRUE(run({0x38, 0xd8}));        // cmp al, bl
  EXPECT_TRUE(run({0x0f, 0x92, 0xc1}));  // setc cl
  for (uint32_t i = 0; i < 5000; ++i) {
    (void)sets_.join_passing(LabelSets::single(100 + i), LabelSets::single(200 + 2 * i));
    add({0xeb, 0x00});  // jmp: a block of no interest
    run();
  }
  EXPECT_TRUE(run({0x0f, 0x92, 0xc2}));  // setc dl
  EXPECT_THAT(at(gpr_at(kRcx)), ElementsAre(3, 7));
  EXPECT_THAT(at(gpr_at(kRdx)), ElementsAre(3, 7));
}

TEST_F(Execute, BranchOnLabelledFlagsIsReported) {
  label_memory(kData, {'a'}, 42);
  add({0x80, 0x3e, 'a'});  // cmp byte [rsi], 'a'
  load(kData, {'a'});
  add({0x74, 0x05});  // je
  run();
  ASSERT_THAT(findings(), ElementsAre(Finding::kBranch));
  EXPECT_EQ(findings_.items[0].instruction, 1);
  EXPECT_THAT(of(findings_.items[0].label), ElementsAre(42));
  add({0x80, 0x3e, 'a'});
  load(kData + 1, {'a'});
  add({0x74, 0x05});
  run();
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Execute, JumpToALabelledAddressIsReported) {
  label(gpr_at(kRax), 8, 4);
  run({0xff, 0xe0});  // jmp rax
  EXPECT_THAT(findings(), ElementsAre(Finding::kJump));
  label_memory(kData, {1, 2, 3, 4, 5, 6, 7, 8}, 10);
  add({0xc3});  // ret
  load(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  run();
  ASSERT_THAT(findings(), ElementsAre(Finding::kJump));
  EXPECT_EQ(of(findings_.items[0].label).size(), 8u);
  add({0xe8, 0, 0, 0, 0});  // call, which pushes what has no label
  store(kData, {1, 2, 3, 4, 5, 6, 7, 8});
  run();
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(memory_.labelled(), 0u);
}

TEST_F(Execute, InstructionsWithLabelledInputsAreReportedOnRequest) {
  policy_.instructions = true;
  label(gpr_at(kRax), 8, 4);
  add({0x48, 0x89, 0xd9});  // mov rcx, rbx
  add({0x48, 0x01, 0xc1});  // add rcx, rax
  run();
  ASSERT_THAT(findings(), ElementsAre(Finding::kInstruction));
  EXPECT_EQ(findings_.items[0].instruction, 1);
}

TEST_F(Execute, WhatIsNotModelledMixesAllAndIsReported) {
  label(vector_at(1), 4, 4);
  add({0xc4, 0xe2, 0x6d, 0x92, 0x04, 0x0e});  // vgatherdps ymm0, [rsi + ymm1], ymm2
  EXPECT_EQ(block_.instructions[0].flags & Instruction::kUnmodelled, Instruction::kUnmodelled);
  EXPECT_STREQ(cache_.decoder().mnemonic_name(block_.instructions[0].mnemonic), "vgatherdps");
  run();
  EXPECT_THAT(findings(), ElementsAre(Finding::kUnmodelled));
  EXPECT_THAT(at(vector_at(0) + 20), ElementsAre(4));
}

TEST_F(Execute, DepthCountsComputationsNotCopies) {
  sets_.set_options({256, 100});
  label(gpr_at(kRax), 8, 4);
  add({0x48, 0x89, 0xc3});  // mov rbx, rax
  run();
  EXPECT_EQ(sets_.depth(registers_.bytes[gpr_at(kRbx)]), 0u);
  add({0x48, 0x01, 0xc3});        // add rbx, rax
  add({0x48, 0xc1, 0xe3, 0x03});  // shl rbx, 3
  add({0x48, 0x0f, 0xcb});        // bswap rbx
  run();
  EXPECT_EQ(sets_.depth(registers_.bytes[gpr_at(kRbx)]), 2u);
}

// --- Modes, and what the kernel does -------------------------------------------------------------

TEST_F(Execute, BytesMeanOtherInstructionsIn32BitCode) {
  label(gpr_at(kRax), 4, 1);
  add({0x40}, false);  // inc eax; a prefix in 64-bit code
  run();
  EXPECT_THAT(at(flag_at(kZf)), ElementsAre(1));
  add({0x60}, false);  // pushal
  EXPECT_EQ(block_.instructions[0].store_bytes, 32);
  store(kData, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  store(kData + 16, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  run();
  EXPECT_THAT(in_memory(kData + 28, 0), ElementsAre(1)) << "eax is pushed first";
  EXPECT_EQ(memory_.labelled(), 4u);
}

TEST_F(Execute, KernelEntryGivesNewRegisters) {
  label(gpr_at(kRcx), 8, 1);
  label(gpr_at(kR11), 8, 2);
  EXPECT_FALSE(run({0x0f, 0x05}));  // syscall
  EXPECT_EQ(registers_.labelled, 0u);
}

TEST_F(Execute, SystemInstructionsMoveNothing) {
  label(gpr_at(kRax), 8, 1);
  const RegisterMask before = registers_.labelled;
  for (const Code& code : std::initializer_list<Code>{{0x0f, 0x01, 0xf8},        // swapgs
                                                      {0x0f, 0x30},              // wrmsr
                                                      {0x0f, 0x22, 0xd8},        // mov cr3, rax
                                                      {0x0f, 0x01, 0xca},        // clac
                                                      {0xf4},                    // hlt
                                                      {0xf3, 0x0f, 0x1e, 0xfa},  // endbr64
                                                      {0x0f, 0x01, 0xd1},        // xsetbv
                                                      {0xe6, 0x80},              // out
                                                      {0x0f, 0x01, 0x38},        // invlpg
                                                      {0x66, 0x0f, 0x38, 0x82, 0x06}}) {
    run(code);
    EXPECT_EQ(registers_.labelled, before) << int(code[0]) << ' ' << int(code[1]);
    EXPECT_THAT(findings(), IsEmpty());
  }
  run({0x0f, 0xa2});  // cpuid
  EXPECT_EQ(registers_.labelled, 0u);
}

TEST_F(Execute, ComponentThatIsAsInitialisedLosesItsLabels) {
  const Code xrstor = {0x0f, 0xae, 0x2e};  // [rsi]
  label(vector_at(0), 32, 1);
  const RegisterMask before = registers_.labelled;
  add(xrstor);
  load(kData + 512, {7, 0, 0, 0, 0, 0, 0, 0});  // none was asked for
  run();
  EXPECT_EQ(registers_.labelled, before);
  add(xrstor);
  load(kData + 512, {3, 0, 0, 0, 0, 0, 0, 0});  // asked for, and there is no upper half
  for (uint64_t at = 160; at < 416; at += 8) load(kData + at, {0, 0, 0, 0, 0, 0, 0, 0});
  run();
  EXPECT_EQ(registers_.labelled, 0u) << "the lower halves were loaded, the upper ones are zero";
}

// --- Blocks --------------------------------------------------------------------------------------

TEST(BlockCache, KnowsBlocksByTheirBytesAndMode) {
  BlockCache cache;
  const uint8_t inc[] = {0x48, 0xff, 0xc0};
  const BlockCache::Piece whole[] = {{inc, 3}}, parts[] = {{inc, 1}, {inc + 1, 2}};
  Block& first = cache.find(whole, true);
  EXPECT_EQ(&cache.find(whole, true), &first);
  EXPECT_NE(&cache.find(parts, false), &first);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(BlockCache, SummaryLeavesOutWhatIsWrittenFirst) {
  BlockCache cache;
  const uint8_t mov[] = {0x48, 0x89, 0xd8};  // mov rax, rbx
  const uint8_t add[] = {0x48, 0x01, 0xc1};  // add rcx, rax
  const BlockCache::Piece pieces[] = {{mov, 3}, {add, 3}};
  const Summary& summary = cache.find(pieces, true).summary;
  EXPECT_EQ(summary.reads, RegisterMask{1} << kRbx | RegisterMask{1} << kRcx);
  EXPECT_EQ(summary.kills & 0xffff, RegisterMask{1} << kRax | RegisterMask{1} << kRcx);
}

TEST(Decoder, UnknownBytesDoNothingAndAreCounted) {
  Decoder decoder;
  Block block;
  const uint8_t bytes[] = {0x62, 0xff, 0xff, 0xff, 0xff, 0xff};
  decoder.decode(bytes, sizeof bytes, true, block);
  ASSERT_EQ(block.instructions.size(), 1u);
  EXPECT_TRUE(block.has_unmodelled);
  EXPECT_EQ(block.instructions[0].summary.writes, 0u);
  EXPECT_STREQ(decoder.mnemonic_name(block.instructions[0].mnemonic), "(unknown)");
}

}  // namespace
}  // namespace fptrace::emu::taint
