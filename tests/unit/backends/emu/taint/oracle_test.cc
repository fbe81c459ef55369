// Each form of oracle_forms.S is run on this processor with random inputs, and again with each bit
// of the inputs flipped: what changes then, depends on that bit, and has to have its byte's label.
// This says nothing about the engine but what the processor does.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "backends/emu/taint/execute.h"
#include "tests/unit/backends/emu/taint/oracle_machine.h"

extern "C" {
extern const fptrace::emu::taint::oracle::Form oracle_forms[], oracle_forms_end[];
}

namespace fptrace::emu::taint {
namespace {

using namespace oracle;

constexpr unsigned kSamples = 9;
constexpr size_t kMostInputs = 1024;
using InputSet = std::bitset<kMostInputs>;

// A byte of the world, or the bits of it that are a flag.
struct Cell {
  uint32_t offset;  // in World
  uint8_t mask;
  uint16_t place;  // in the shadow; kNoPlace: memory
};

size_t offset_of_xsave(size_t at) { return offsetof(Registers, xsave) + at; }

void add_flags(std::vector<Cell>& cells) {
  const auto offset = uint32_t(offsetof(Registers, flags));
  cells.push_back({offset, 0x01, flag_at(kCf)});
  cells.push_back({offset, 0x04, flag_at(kPf)});
  cells.push_back({offset, 0x10, flag_at(kAf)});
  cells.push_back({offset, 0x40, flag_at(kZf)});
  cells.push_back({offset, 0x80, flag_at(kSf)});
  cells.push_back({offset + 1, 0x08, flag_at(kOf)});
}

void add(std::vector<Cell>& cells, size_t offset, unsigned count, uint16_t place,
         uint8_t mask = 0xff) {
  for (unsigned i = 0; i < count; ++i)
    cells.push_back(
        {uint32_t(offset + i), mask, place == kNoPlace ? kNoPlace : uint16_t(place + i)});
}

void add_memory(std::vector<Cell>& cells, size_t at, unsigned count, uint8_t mask = 0xff) {
  add(cells, offsetof(World, memory) + at, count, kNoPlace, mask);
}

std::vector<Cell> all_outputs() {
  std::vector<Cell> cells;
  for (unsigned i = 0; i < kGprCount; ++i) add(cells, i * 8, 8, gpr_at(i));
  add_flags(cells);
  for (unsigned i = 0; i < kVectorCount; ++i) {
    add(cells, offset_of_xsave(160 + 16 * i), 16, vector_at(i));
    add(cells, offset_of_xsave(576 + 16 * i), 16, uint16_t(vector_at(i) + 16));
  }
  for (unsigned i = 0; i < kX87Count; ++i) add(cells, offset_of_xsave(32 + 16 * i), 10, x87_at(i));
  add(cells, offset_of_xsave(3), 1, flag_at(kFsw), 0x47);
  add_memory(cells, 0, kMemory);
  return cells;
}

bool has(const Form& form, const char* what) {
  return std::string_view(form.text).find(what) != std::string_view::npos;
}

// What is flipped. Not addresses: which byte is accessed is not a question of data.
std::vector<Cell> inputs_of(const Form& form) {
  std::vector<Cell> cells;
  for (const unsigned i : {0u, 1u, 2u, 3u, 8u, 9u}) {
    if (form.kind == Kind::kString && i == 2) continue;
    if (form.kind == Kind::kTranslate && i == 1) continue;
    const bool is_index = form.kind == Kind::kBitInMemory && i == 1;
    add(cells, i * 8, is_index ? 1 : 8, gpr_at(i), is_index ? 0x1f : 0xff);
  }
  add_flags(cells);
  const bool uses_vectors = form.of == Class::kFloats || form.of == Class::kIntegersSse ||
                            form.of == Class::kMovesSse || form.of == Class::kCrypto ||
                            form.of == Class::kMultimedia || form.of == Class::kAvx ||
                            form.of == Class::kSystem;
  for (unsigned i = 0; uses_vectors && i < 3; ++i) {
    // Which bytes are stored is not a question of data, either.
    add(cells, offset_of_xsave(160 + 16 * i), 16, vector_at(i),
        form.kind == Kind::kMasked && i == 1 ? 0x7f : 0xff);
    if (form.of == Class::kAvx)
      add(cells, offset_of_xsave(576 + 16 * i), 16, uint16_t(vector_at(i) + 16));
  }
  const bool uses_x87 =
      form.kind == Kind::kX87 || form.kind == Kind::kMmx || form.kind == Kind::kSaveArea;
  for (unsigned i = 0; uses_x87 && i < (form.kind == Kind::kMmx ? 2u : 4u); ++i)
    add(cells, offset_of_xsave(32 + 16 * i), form.kind == Kind::kMmx ? 8 : 10, x87_at(i));
  if (uses_x87) add(cells, offset_of_xsave(3), 1, flag_at(kFsw), 0x47);

  if (form.kind == Kind::kRestoreArea) {
    add_memory(cells, kSource + 3, 1, 0x47);
    for (unsigned i = 0; i < 4; ++i) add_memory(cells, kSource + 32 + 16 * i, 10);
    add_memory(cells, kSource + 160, 256);
  } else if (has(form, "[") || form.kind == Kind::kString || form.kind == Kind::kTranslate) {
    add_memory(cells, kSource, form.kind == Kind::kTranslate ? 256 : 48);
  }
  if (form.kind == Kind::kString) add_memory(cells, kTarget, 48);
  if (form.kind == Kind::kLeave) add_memory(cells, kFrame, 16);
  if (form.kind == Kind::kPop && has(form, "popf")) {
    add_memory(cells, kStack, 1, 0xd5);
    add_memory(cells, kStack + 1, 1, 0x08);
  } else if (form.kind == Kind::kPop || form.kind == Kind::kPopToMemory) {
    add_memory(cells, kStack, 16);
  }
  return cells;
}

// --- The log that the emulator would give --------------------------------------------------------

// Memory is two pieces of two pages far apart, so that accesses may cross.
class Log {
 public:
  Log(const Machine& machine, const World& before, const World& after, unsigned sample)
      : machine_(machine),
        before_(before),
        after_(after),
        split_(kSource + (sample % 3 == 1 ? 3 : 0)),
        piece_(sample % 3 == 2 ? 8 : 16) {}

  uint64_t paddr(size_t offset) const {
    return offset < split_ ? 0x11000 - split_ + offset : 0x55000 + offset - split_;
  }
  void add(bool is_store, size_t offset, size_t size) {
    for (size_t done = 0; done < size;) {
      const size_t here = std::min<size_t>(piece_, size - done);
      one(is_store, offset + done, here);
      done += here;
    }
  }
  void one(bool is_store, size_t offset, size_t size) {
    Access access{};
    access.vaddr = machine_.address(offset);
    access.paddr = paddr(offset);
    access.size = uint8_t(size);
    access.is_store = is_store;
    if (access.bytes_on_next_page() != 0) access.paddr2 = paddr(split_);
    std::memcpy(access.value, (is_store ? after_ : before_).memory + offset, size);
    accesses.push_back(access);
  }

  std::vector<Access> accesses;

 private:
  const Machine& machine_;
  const World& before_;
  const World& after_;
  size_t split_, piece_;
};

size_t element_size(const Form& form) {
  switch (std::string_view(form.text).back()) {
    case 'b':
      return 1;
    case 'w':
      return 2;
    case 'd':
      return 4;
    default:
      return 8;
  }
}

void log_string(const Form& form, const World& before, const World& after, Log& log) {
  const size_t size = element_size(form);
  const bool sources = has(form, "movs") || has(form, "lods") || has(form, "cmps");
  const unsigned pointer = sources ? 4 : 5;
  const size_t times = (after.registers.gprs[pointer] - before.registers.gprs[pointer]) / size;
  for (size_t i = 0; i < times; ++i) {
    const size_t from = kSource + i * size, to = kTarget + i * size;
    if (has(form, "scas") || has(form, "cmps")) log.one(false, to, size);
    if (sources) log.one(false, from, size);
    if (has(form, "movs") || has(form, "stos")) log.one(true, to, size);
  }
}

// As the emulator does it: word by word, and of an x87 register 8 and 2 bytes.
void log_area(bool is_store, Log& log) {
  for (size_t at = 0; at < 8; at += 2) log.one(is_store, kSource + at, 2);
  log.one(is_store, kSource + 24, 4);
  for (size_t i = 0; i < 8; ++i) {
    log.one(is_store, kSource + 32 + 16 * i, 8);
    log.one(is_store, kSource + 40 + 16 * i, 2);
  }
  for (size_t at = 160; at < 416; at += 8) log.one(is_store, kSource + at, 8);
}

void fill_log(const Form& form, const Instruction& instruction, const World& before,
              const World& after, Log& log) {
  const size_t loads = instruction.load_bytes, stores = instruction.store_bytes;
  switch (form.kind) {
    case Kind::kString:
      return log_string(form, before, after, log);
    case Kind::kSaveArea:
      return log_area(true, log);
    case Kind::kRestoreArea:
      return log_area(false, log);
    case Kind::kMasked:
      for (size_t i = 0; i < 16; ++i)
        if ((before.registers.xsave[176 + i] & 0x80) != 0) log.one(true, kTarget + i, 1);
      return;
    case Kind::kTranslate:
      return log.one(false, kSource + (before.registers.gprs[0] & 0xff), 1);
    case Kind::kPush:
    case Kind::kPushFromMemory:
      log.add(false, kSource, loads);
      return log.add(true, kStack - stores, stores);
    case Kind::kPop:
      return log.add(false, kStack, loads);
    case Kind::kPopToMemory:
      log.add(false, kStack, loads);
      return log.add(true, kSource, stores);
    case Kind::kLeave:
      return log.add(false, kFrame, loads);
    default:
      log.add(false, kSource, loads);
      return log.add(true, kSource, stores);
  }
}

// --- A form --------------------------------------------------------------------------------------

struct Tally {
  unsigned forms = 0;
  uint64_t labelled = 0, seen = 0;  // pairs of an input and an output that are not the same byte
  uint64_t changes = 0, unlabelled = 0;
  std::vector<std::string> skipped, unmodelled;
};

class FormCheck {
 public:
  FormCheck(Machine& machine, Decoder& decoder, const Form& form)
      : machine_(machine), form_(form), inputs_(inputs_of(form)) {
    decoder.decode(form.code, size_t(form.code_end - form.code), true, block_);
    Decoder::finish(block_);
    by_offset_.assign(sizeof(World), {});
    for (size_t i = 0; i < outputs_.size(); ++i)
      by_offset_[outputs_[i].offset].push_back(uint16_t(i));
    labelled_.resize(outputs_.size());
    seen_.resize(outputs_.size());
  }
  void run(Tally& tally);

 private:
  bool sample(unsigned number, Tally& tally);
  void label(unsigned number, const World& before, const World& after);
  void flip(const World& before, const World& after, Tally& tally);
  void compare(size_t input, const World& after, const World& other, Tally& tally);
  void check(size_t input, size_t output, Tally& tally);
  bool is_same_byte(size_t input, size_t output) const {
    const Cell &in = inputs_[input], &out = outputs_[output];
    return in.offset == out.offset && in.place == out.place;
  }

  Machine& machine_;
  const Form& form_;
  const std::vector<Cell> inputs_;
  const std::vector<Cell> outputs_ = all_outputs();
  std::vector<std::vector<uint16_t>> by_offset_;
  Block block_;
  std::vector<InputSet> now_;  // the labels of outputs in this sample
  std::vector<InputSet> labelled_, seen_;
  std::mt19937_64 random_{1};
  unsigned complaints_ = 0;
};

// Whether st(i) holds anything.
bool is_full(const World& world, unsigned i) {
  const uint8_t* const x = world.registers.xsave;
  return (x[4] >> (((x[3] >> 3) + i) & 7) & 1) != 0;
}

void FormCheck::label(unsigned number, const World& before, const World& after) {
  RegisterShadow registers;
  ShadowMemory memory;
  LabelSets sets;
  Log log(machine_, before, after, number);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const LabelId id = LabelSets::single(uint32_t(i));
    const Cell& cell = inputs_[i];
    if (cell.place != kNoPlace)
      registers.bytes[cell.place] = id;
    else
      memory.store(log.paddr(cell.offset - offsetof(World, memory)), 1,
                   before.bytes() + cell.offset, &id);
  }
  registers.refresh(~RegisterMask{0});
  fill_log(form_, block_.instructions[0], before, after, log);
  Policy policy;
  policy.pointers = form_.kind == Kind::kTranslate;
  FindingList findings;
  execute(block_, 0, 1, log.accesses, policy, {registers, memory, sets}, findings);

  now_.assign(outputs_.size(), {});
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Cell& cell = outputs_[i];
    LabelId id = kNoLabel;
    if (cell.place != kNoPlace)
      id = registers.bytes[cell.place];
    else
      memory.load(log.paddr(cell.offset - offsetof(World, memory)), 1, after.bytes() + cell.offset,
                  &id);
    LabelRun single;
    for (const LabelRun run : sets.runs(id, single))
      for (uint32_t at = run.first; at <= run.last; ++at) now_[i].set(at);
    labelled_[i] |= now_[i];
  }
}

void FormCheck::check(size_t input, size_t output, Tally& tally) {
  ++tally.changes;
  seen_[output].set(input);
  if (now_[output].test(input)) return;
  ++tally.unlabelled;
  if (++complaints_ <= 3)
    ADD_FAILURE() << form_.text << ": the byte at " << outputs_[output].place << "/"
                  << outputs_[output].offset << " depends on the one at " << inputs_[input].place
                  << "/" << inputs_[input].offset << ", and has no label of it";
}

void FormCheck::compare(size_t input, const World& after, const World& other, Tally& tally) {
  // Another top of the stack makes it other registers.
  if (((after.registers.xsave[3] ^ other.registers.xsave[3]) & 0x38) != 0) return;
  for (size_t word = 0; word < sizeof(World); word += 8) {
    if (std::memcmp(after.bytes() + word, other.bytes() + word, 8) == 0) continue;
    for (size_t at = word; at < word + 8; ++at) {
      const uint8_t changed = after.bytes()[at] ^ other.bytes()[at];
      if (changed == 0) continue;
      for (const uint16_t output : by_offset_[at]) {
        const Cell& cell = outputs_[output];
        if ((changed & cell.mask) == 0) continue;
        if (cell.place >= kX87 && cell.place < kFlags && form_.kind != Kind::kMmx &&
            !(is_full(after, unsigned(cell.place - kX87) / 16u) &&
              is_full(other, unsigned(cell.place - kX87) / 16u)))
          continue;
        check(input, output, tally);
      }
    }
  }
}

void FormCheck::flip(const World& before, const World& after, Tally& tally) {
  World changed = before, other;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    uint8_t& byte = changed.bytes()[inputs_[i].offset];
    for (unsigned bit = 1; bit < 256; bit <<= 1) {
      if ((inputs_[i].mask & bit) == 0) continue;
      byte = uint8_t(byte ^ bit);
      if (machine_.run(form_, changed, other) == 0) compare(i, after, other, tally);
      byte = uint8_t(byte ^ bit);
    }
  }
}

bool FormCheck::sample(unsigned number, Tally& tally) {
  const World before = make_world(form_, machine_, number, random_);
  World after;
  const int signal = machine_.run(form_, before, after);
  if (signal == SIGILL) {
    tally.skipped.push_back(form_.text);
    return false;
  }
  if (signal != 0) return true;  // a quotient that is too large
  label(number, before, after);
  flip(before, after, tally);
  return true;
}

void FormCheck::run(Tally& tally) {
  for (unsigned number = 0; number < kSamples; ++number)
    if (!sample(number, tally)) return;
  ++tally.forms;
  if ((block_.instructions[0].flags & Instruction::kUnmodelled) != 0)
    tally.unmodelled.push_back(form_.text);
  for (size_t output = 0; output < outputs_.size(); ++output)
    for (size_t input = 0; input < inputs_.size(); ++input) {
      if (!labelled_[output].test(input) || is_same_byte(input, output)) continue;
      ++tally.labelled;
      tally.seen += seen_[output].test(input);
    }
}

class OracleOf : public ::testing::TestWithParam<unsigned> {
 protected:
  Class of() const { return Class(GetParam()); }
};

TEST_P(OracleOf, WhatChangesIsLabelled) {
  if (const std::string why = Machine::why_not(); !why.empty()) GTEST_SKIP() << why;
  Machine machine;
  Decoder decoder;
  Tally tally;
  for (const Form* form = oracle_forms; form != oracle_forms_end; ++form)
    if (form->of == of()) FormCheck(machine, decoder, *form).run(tally);
  if (tally.forms == 0 && !tally.skipped.empty())
    GTEST_SKIP() << "this processor has none of them: " << tally.skipped.front() << "...";

  EXPECT_GT(tally.changes, 0u);
  EXPECT_EQ(tally.unlabelled, 0u);
  std::printf(
      "%s: %u forms, %zu that this processor lacks, %zu not modelled; %llu changes seen, all "
      "labelled but %llu; of %llu labelled pairs, %.1f %% seen to depend\n",
      name_of(of()), tally.forms, tally.skipped.size(), tally.unmodelled.size(),
      static_cast<unsigned long long>(tally.changes),
      static_cast<unsigned long long>(tally.unlabelled),
      static_cast<unsigned long long>(tally.labelled),
      tally.labelled == 0 ? 100.0 : 100.0 * double(tally.seen) / double(tally.labelled));
  for (const std::string& text : tally.skipped) std::printf("  lacks: %s\n", text.c_str());
  for (const std::string& text : tally.unmodelled)
    std::printf("  not modelled: %s\n", text.c_str());
}

// The short ways, for blocks and instructions without labels, lead to the same as the long one. No
// instruction is executed here.
TEST(Oracle, BlockDoesWhatItsInstructionsDo) {
  if (const std::string why = Machine::why_not(); !why.empty()) GTEST_SKIP() << why;
  Machine machine;
  Decoder decoder;
  std::mt19937_64 random(7);
  const auto count = size_t(oracle_forms_end - oracle_forms);
  for (unsigned round = 0; round < 500; ++round) {
    Block whole;
    Block single[4];
    World world{};
    Log log(machine, world, world, round);
    size_t starts[5] = {};
    for (uint16_t i = 0; i < 4; ++i) {
      const Form& form = oracle_forms[random() % count];
      for (Block* block : {&whole, &single[i]})
        decoder.decode(form.code, size_t(form.code_end - form.code), true, *block);
      Decoder::finish(single[i]);
      if ((single[i].instructions[0].flags & Instruction::kIsString) == 0)
        fill_log({form.code, form.code_end, form.text, Kind::kPlain, form.of},
                 single[i].instructions[0], world, world, log);
      for (size_t at = starts[i]; at < log.accesses.size(); ++at) log.accesses[at].instruction = i;
      starts[i + 1] = log.accesses.size();
    }
    Decoder::finish(whole);

    RegisterShadow a;
    ShadowMemory memory_a, memory_b;
    LabelSets sets;
    for (unsigned i = 0; i < 3; ++i) a.bytes[random() % kTemps] = LabelSets::single(i);
    for (uint16_t i = 0; i < kX87Count; ++i)  // six bytes each are none's
      std::memset(a.at(uint16_t(x87_at(i) + 10)), 0, 6 * sizeof(LabelId));
    a.bytes[flag_at(7)] = kNoLabel;
    a.refresh(~RegisterMask{0});
    RegisterShadow b = a;
    if (round % 4 == 0) {
      const LabelId id = LabelSets::single(9);
      const size_t offset = kSource + random() % 16;
      for (ShadowMemory* memory : {&memory_a, &memory_b})
        memory->store(log.paddr(offset), 1, world.memory + offset, &id);
    }
    FindingList findings;
    execute(whole, 0, 4, log.accesses, {}, {a, memory_a, sets}, findings);
    for (size_t i = 0; i < 4; ++i) {
      std::span<Access> its(log.accesses.data() + starts[i], starts[i + 1] - starts[i]);
      for (Access& access : its) access.instruction = 0;
      execute(single[i], 0, 1, its, {}, {b, memory_b, sets}, findings);
    }
    ASSERT_EQ(a.labelled, b.labelled) << round;
    ASSERT_EQ(std::memcmp(a.bytes, b.bytes, kTemps * sizeof(LabelId)), 0) << round;
    ASSERT_EQ(memory_a.labelled(), memory_b.labelled()) << round;
    for (unsigned bit = 0; bit < 64; ++bit)
      ASSERT_EQ(a.any_labelled(bit), (a.labelled >> bit & 1) != 0) << round << ' ' << bit;
  }
}

std::string name_of_test(const ::testing::TestParamInfo<unsigned>& info) {
  std::string name = name_of(Class(info.param));
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Oracle, OracleOf, ::testing::Range(0u, unsigned(Class::kCount)),
                         name_of_test);

}  // namespace
}  // namespace fptrace::emu::taint
