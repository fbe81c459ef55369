#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backends/emu/taint/decode.h"
#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/jit/hot_blocks.h"

// The two tiers side by side, on random code, labels and accesses: all that can be seen has to be
// equal, the ids of sets included.

namespace fptrace::emu::taint {
namespace {

using Random = std::mt19937;

uint32_t below(Random& random, uint32_t end) { return uint32_t(random() % end); }

// --- Code
// --------------------------------------------------------------------------------------------

// Opcodes that compilers and libraries use; what follows them is random.
constexpr uint8_t kOneByte[] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x18, 0x19,
    0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x28, 0x29, 0x2a, 0x2b, 0x30, 0x31, 0x32, 0x33,
    0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x50, 0x51, 0x55, 0x57, 0x58, 0x59, 0x5d, 0x5f, 0x63, 0x69,
    0x6b, 0x74, 0x75, 0x76, 0x7f, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b,
    0x8d, 0x90, 0x93, 0x98, 0x99, 0x9c, 0x9d, 0x9f, 0xa4, 0xa5, 0xa8, 0xaa, 0xab, 0xac, 0xad, 0xae,
    0xaf, 0xa6, 0xa7, 0xb0, 0xb8, 0xbb, 0xc0, 0xc1, 0xc3, 0xc6, 0xc7, 0xc9, 0xd0, 0xd1, 0xd2, 0xd3,
    0xd8, 0xd9, 0xdb, 0xdd, 0xde, 0xdf, 0xe8, 0xf6, 0xf7, 0xfe, 0xff};
constexpr uint8_t kTwoByte[] = {
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x28, 0x29, 0x2a, 0x2c, 0x2e, 0x2f, 0x40, 0x44,
    0x45, 0x4c, 0x50, 0x51, 0x54, 0x57, 0x58, 0x59, 0x5a, 0x5c, 0x60, 0x61, 0x62, 0x63, 0x64, 0x67,
    0x68, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x76, 0x7e, 0x7f, 0x90, 0x94, 0x95,
    0xa2, 0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb6, 0xb7, 0xb8, 0xba, 0xbc,
    0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xd0, 0xd2, 0xd4, 0xd6, 0xd7, 0xda,
    0xdb, 0xde, 0xdf, 0xe5, 0xe7, 0xeb, 0xef, 0xf2, 0xf4, 0xf5, 0xf6, 0xfa, 0xfe};

std::array<uint8_t, Decoder::kMostBytes> random_bytes(Random& random) {
  std::array<uint8_t, Decoder::kMostBytes> bytes;
  for (uint8_t& byte : bytes) byte = uint8_t(random());
  size_t at = 0;
  const uint32_t prefix = below(random, 12);
  if (prefix < 2) bytes[at++] = 0x66;
  if (prefix == 2) bytes[at++] = 0xf3;
  if (prefix == 3) bytes[at++] = 0xf2;
  // No assembler makes operands of 16 and of 64 bits at once.
  if (below(random, 2) != 0) bytes[at++] = uint8_t(0x40 | below(random, prefix < 2 ? 8 : 16));
  const uint32_t map = below(random, 20);
  if (map < 12) {
    bytes[at++] = kOneByte[below(random, sizeof(kOneByte))];
  } else {
    bytes[at++] = 0x0f;
    if (map < 18)
      bytes[at++] = kTwoByte[below(random, sizeof(kTwoByte))];
    else
      bytes[at++] = map == 18 ? 0x38 : 0x3a;
  }
  return bytes;
}

// False, with the block as it was, if the bytes begin with no known instruction.
bool decode_first(Decoder& decoder, std::span<const uint8_t> bytes, Block& block) {
  const size_t ops = block.ops.size();
  const bool unmodelled = block.has_unmodelled;
  for (size_t size = 1; size <= bytes.size(); ++size) {
    decoder.decode(bytes.data(), size, true, block);
    if (std::string(decoder.mnemonic_name(block.instructions.back().mnemonic)) != "(unknown)")
      return true;
    block.instructions.pop_back();
    block.ops.resize(ops);
    block.has_unmodelled = unmodelled;
  }
  return false;
}

Block random_block(Random& random, Decoder& decoder, uint32_t most) {
  Block block;
  const uint32_t count = 1 + below(random, most);
  while (block.instructions.size() < count) decode_first(decoder, random_bytes(random), block);
  Decoder::finish(block);
  return block;
}

// --- Accesses
// ------------------------------------------------------------------------------------------

// The end of a page and the begin of another, seen at consecutive addresses.
constexpr uint64_t kFirstPage = 0x5000, kSecondPage = 0x9000;
constexpr uint32_t kReach = 64;
constexpr uint64_t kVirtual = 0x7f0000000000 - kReach;

Access random_access(Random& random, uint16_t instruction, uint32_t size, bool is_store,
                     uint32_t at) {
  Access access{};
  const uint32_t offset = at < kReach ? kShadowPageSize - kReach + at : at - kReach;
  access.vaddr = kVirtual + at;
  access.paddr = (at < kReach ? kFirstPage : kSecondPage) + offset;
  access.paddr2 = kSecondPage;
  access.instruction = instruction;
  access.size = uint8_t(size);
  access.is_store = is_store;
  // Mostly the value that the byte had, or labels would never be loaded.
  if (below(random, 20) == 0) access.value[below(random, size)] = uint8_t(random());
  return access;
}

void add_accesses(Random& random, uint16_t i, uint32_t bytes, bool store,
                  std::vector<Access>& log) {
  uint32_t at = below(random, 2 * kReach - 32);
  while (bytes != 0) {
    const uint32_t size = std::min(bytes, Access::kMostBytes);
    log.push_back(random_access(random, i, size, store, at % (2 * kReach - 16)));
    at += size;
    bytes -= size;
  }
}

std::vector<Access> random_log(Random& random, const Block& block) {
  std::vector<Access> log;
  for (uint16_t i = 0; i < block.instructions.size(); ++i) {
    const Instruction& instruction = block.instructions[i];
    if ((instruction.flags & Instruction::kAnyAccesses) == 0) {
      add_accesses(random, i, instruction.load_bytes, false, log);
      add_accesses(random, i, instruction.store_bytes, true, log);
      continue;
    }
    uint32_t size = 1u << below(random, 4), pairs = below(random, 4);
    for (const Op& op : std::span(block.ops).subspan(instruction.first_op, instruction.op_count)) {
      if (op.code != OpCode::kString) continue;
      size = op.w;  // whole elements, and one if it is not repeated
      if (op.c == 0) pairs = 1;
    }
    for (; pairs != 0; --pairs) {
      log.push_back(random_access(random, i, size, false, below(random, 2 * kReach - 16)));
      log.push_back(random_access(random, i, size, true, below(random, 2 * kReach - 16)));
    }
  }
  return log;
}

// --- The two sides
// -----------------------------------------------------------------------------------

struct World : LoadObserver {
  RegisterShadow registers;
  ShadowMemory memory;
  LabelSets sets;
  FindingList found;
  std::vector<std::pair<uint16_t, std::vector<LabelId>>> loads;
  State state() { return {registers, memory, sets, this}; }
  void loaded(uint16_t instruction, std::span<const LabelId> labels) override {
    loads.emplace_back(instruction, std::vector<LabelId>(labels.begin(), labels.end()));
  }
};

std::vector<uint64_t> words_of(const std::vector<Access>& log) {
  std::vector<uint64_t> words(log.size() * AccessWords::kMost);
  uint64_t* end = words.data();
  for (const Access& access : log) end = write_access(end, access);
  words.resize(size_t(end - words.data()));
  return words;
}

// The same in both if `random` is in the same state.
void label_some(World& world, Random random) {
  const bool many = below(random, 3) == 0;       // everything, or a little
  const bool different = below(random, 2) == 0;  // each byte its own, or all the same
  const auto label = [&]() -> LabelId {
    if (below(random, many ? 8 : 2) == 0) return kNoLabel;
    const uint32_t number = different ? below(random, 64) : 7;
    return below(random, 4) == 0 ? world.sets.range(number, number + below(random, 4))
                                 : LabelSets::single(number);
  };
  const uint32_t registers = below(random, 4);
  for (uint16_t place = 0; place < kTemps; ++place) {
    const bool padding = place >= kX87 && place < kFlags && (place - kX87) % kX87Bytes >= 10;
    if (padding || place >= kFlags + kFsw + 1) continue;
    if (many || below(random, 40) < registers) world.registers.bytes[place] = label();
  }
  world.registers.refresh(~RegisterMask{0});
  for (uint32_t at = 0; at < 2 * kReach; ++at) {
    const uint64_t paddr =
        at < kReach ? kFirstPage + kShadowPageSize - kReach + at : kSecondPage + at - kReach;
    const LabelId its = label();
    const uint8_t value = 0;
    if (below(random, many ? 2 : 8) == 0) world.memory.store(paddr, 1, &value, &its);
  }
}

void forget(World& world) {
  world.registers.clear(~RegisterMask{0});
  for (const uint64_t page : {kFirstPage, kSecondPage}) world.memory.clear(page, kShadowPageSize);
}

void expect_equal(const World& a, const World& b) {
  EXPECT_EQ(a.loads, b.loads);
  EXPECT_EQ(a.registers.labelled, b.registers.labelled);
  for (uint16_t place = 0; place < kTemps; ++place)
    ASSERT_EQ(a.registers.bytes[place], b.registers.bytes[place]) << "place " << place;
  ASSERT_EQ(a.memory.labelled(), b.memory.labelled());
  ASSERT_EQ(a.memory.peak_labelled(), b.memory.peak_labelled());
  ASSERT_EQ(a.memory.generation(), b.memory.generation());
  for (const uint64_t paddr : {kFirstPage, kSecondPage}) {
    const ShadowPage* const page = a.memory.find(paddr);
    const ShadowPage* const other = b.memory.find(paddr);
    ASSERT_EQ(page != nullptr, other != nullptr);
    if (!page) continue;
    ASSERT_EQ(page->labelled, other->labelled);
    for (uint32_t i = 0; i < kShadowPageSize; ++i) {
      ASSERT_EQ(page->label(i), other->label(i)) << "byte " << i << " of page " << paddr;
      if (page->label(i) != kNoLabel) { ASSERT_EQ(page->values[i], other->values[i]); }
    }
  }
  ASSERT_EQ(a.sets.stored(), b.sets.stored());
  ASSERT_EQ(a.found.count, b.found.count);
  for (uint32_t i = 0; i < a.found.count; ++i) {
    EXPECT_EQ(a.found.items[i].kind, b.found.items[i].kind);
    EXPECT_EQ(a.found.items[i].instruction, b.found.items[i].instruction);
    EXPECT_EQ(a.found.items[i].label, b.found.items[i].label);
  }
}

struct Setting {
  const char* name;
  bool pointers;
  uint32_t max_depth;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

#ifndef FPTRACE_TAINT_JIT
#define FPTRACE_TAINT_JIT ""
#endif
constexpr bool kIsBuilt = sizeof(FPTRACE_TAINT_JIT) > 1;

class Tiers : public ::testing::TestWithParam<Setting> {
 protected:
  // FPTRACE_TAINT_BLOCKS: more than usual.
  static uint32_t count() {
    const char* wanted = std::getenv("FPTRACE_TAINT_BLOCKS");
    return wanted ? uint32_t(std::strtoul(wanted, nullptr, 10)) : 80;
  }
  void execute_both(jit::HotBlocks& hot, Block& block, uint32_t first, uint32_t last,
                    const std::vector<Access>& log) {
    for (World* world : {&slow_, &fast_}) {
      world->found.count = 0;
      world->loads.clear();
    }
    execute(block, first, last, log, policy_, slow_.state(), slow_.found);
    const bool whole = first == 0 && last == block.instructions.size();
    if (!whole || !hot.run(block, words_of(log), policy_, fast_.state(), fast_.found))
      hot.execute(block, first, last, log, policy_, fast_.state(), fast_.found);
    expect_equal(slow_, fast_);
  }
  void label_both(Random& random) {
    const Random same(random());
    label_some(slow_, same);
    label_some(fast_, same);
  }
  void SetUp() override {
    if (!kIsBuilt) GTEST_SKIP() << "built without LLVM 19";
    policy_.pointers = GetParam().pointers;
    for (World* world : {&slow_, &fast_})
      world->sets.set_options({.max_runs = 8, .max_depth = GetParam().max_depth});
  }

  World slow_, fast_;
  Policy policy_;
  Decoder decoder_;
};

TEST_P(Tiers, AgreeOnRandomCode) {
  jit::HotBlocks hot(FPTRACE_TAINT_JIT, 1);
  Random random(GetParam().max_depth * 2 + GetParam().pointers);
  for (uint32_t n = 0; n < count(); ++n) {
    Block block = random_block(random, decoder_, 12);
    if (below(random, 2) == 0) {
      forget(slow_);
      forget(fast_);
    }
    for (uint32_t execution = 0; execution < 12; ++execution) {
      const std::vector<Access> log = random_log(random, block);
      if (below(random, 2) == 0) label_both(random);
      execute_both(hot, block, 0, uint32_t(block.instructions.size()), log);
      if (execution == 0) hot.finish();
      if (HasFatalFailure() || HasNonfatalFailure()) {
        std::string code;
        for (const Instruction& one : block.instructions)
          code += std::string(decoder_.mnemonic_name(one.mnemonic)) + "; ";
        FAIL() << "block " << n << ", execution " << execution << ": " << code;
      }
    }
  }
  const auto counts = hot.counts();
  EXPECT_EQ(counts.compiled, count());
  EXPECT_EQ(counts.refused, 0u);
  EXPECT_GT(counts.fast, uint64_t{count()} * 4);
  RecordProperty("compiled executions", std::to_string(counts.fast));
}

TEST_P(Tiers, AgreeWhileBlocksAreCompiled) {
  jit::HotBlocks hot(FPTRACE_TAINT_JIT, 20);
  Random random(77);
  std::vector<Block> blocks;
  for (uint32_t i = 0; i < 40; ++i) blocks.push_back(random_block(random, decoder_, 6));
  for (uint32_t n = 0; n < 12000; ++n) {
    Block& block = blocks[below(random, uint32_t(blocks.size()))];
    const auto size = uint32_t(block.instructions.size());
    if (below(random, 30) == 0) {
      forget(slow_);
      forget(fast_);
      label_both(random);
    }
    std::vector<Access> log = random_log(random, block);
    // Now and then a part of it, or with an access too few at the end.
    uint32_t first = 0, last = size;
    if (below(random, 10) == 0) first = below(random, size);
    if (below(random, 10) == 0) last = first + below(random, size - first + 1);
    std::erase_if(
        log, [&](const Access& one) { return one.instruction < first || one.instruction >= last; });
    if (below(random, 10) == 0 && !log.empty() && log.back().instruction + 1u == last)
      log.pop_back();
    execute_both(hot, block, first, last, log);
    ASSERT_FALSE(HasNonfatalFailure()) << "execution " << n;
  }
  hot.finish();
  EXPECT_GT(hot.counts().fast, 0u);
}

INSTANTIATE_TEST_SUITE_P(, Tiers,
                         ::testing::Values(Setting{"Data", false, 0}, Setting{"Pointers", true, 0},
                                           Setting{"Depth", false, 40},
                                           Setting{"PointersAndDepth", true, 3}),
                         [](const auto& info) { return info.param.name; });

TEST(HotBlocks, AreInterpretedWithoutACompiler) {
  jit::HotBlocks hot("/nonexistent/module.so", 1);
  Decoder decoder;
  Block block;
  constexpr uint8_t kMove[] = {0x48, 0x89, 0xd8};  // mov rax, rbx
  decoder.decode(kMove, sizeof(kMove), true, block);
  Decoder::finish(block);
  World world;
  world.registers.bytes[gpr_at(1)] = LabelSets::single(5);
  world.registers.refresh(1 << 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(hot.execute(block, 0, 1, {}, {}, world.state(), world.found));
    hot.finish();
  }
  EXPECT_EQ(world.registers.bytes[gpr_at(0)], LabelSets::single(5));
  EXPECT_EQ(hot.counts().compiled, 0u);
  EXPECT_NE(hot.problem().find("/nonexistent/module.so"), std::string::npos) << hot.problem();
}

}  // namespace
}  // namespace fptrace::emu::taint
