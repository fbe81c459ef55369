#include "backends/emu/taint/execute.h"

#include <algorithm>
#include <cstring>

#include "backends/emu/taint/label_ops.h"
#include "backends/emu/taint/pieces.h"

namespace fptrace::emu::taint {
namespace {

constexpr uint32_t kMostOutput = 32;
constexpr uint32_t kXsaveAlignment = 64, kXsaveHeader = 512;

// Executes the operations of one instruction at a time.
class Interpreter {
 public:
  Interpreter(const Policy& policy, const State& state, FindingList& findings)
      : policy_(policy),
        sets_(state.sets),
        memory_(state.memory),
        r_(state.registers.bytes),
        findings_(findings) {}

  // `log` are the instruction's accesses.
  void run(const Instruction& instruction, std::span<const Op> ops, uint16_t index,
           std::span<const Access> log);

 private:
  // What the instruction loaded or stored: bytes from the lowest address on.
  struct Area {
    const Access* only = nullptr;  // when there is no more than one
    uint64_t base = 0;
    uint32_t count = 0;
  };

  void find_areas(bool is_xsave);
  void op(const Op& op);

  LabelId join(LabelId a, LabelId b) { return sets_.join(a, b); }
  LabelId computed(LabelId id) { return sets_.computed(id); }
  // Of flags, too, but to stay.
  LabelId join_all(const LabelId* labels, uint32_t count) {
    return sets_.keep(sets_.join_all(labels, count));
  }
  void set_flags(uint8_t set, LabelId label) {
    for (; set != 0; set = uint8_t(set & (set - 1)))
      r_[flag_at(unsigned(__builtin_ctz(set)))] = label;
  }
  // Of a sum, by the labels of its lowest byte and of all; `set` may be without CF.
  void set_sum_flags(uint8_t set, LabelId low, LabelId all) {
    set_flags(kSetPf | kSetAf, low);
    set_flags(uint8_t(kSetZf | kSetSf | kSetOf | (set & kSetCf)), all);
  }
  LabelId pick_flags(uint8_t set) {
    LabelId all = kNoLabel;
    for (; set != 0; set = uint8_t(set & (set - 1)))
      all = join(all, r_[flag_at(unsigned(__builtin_ctz(set)))]);
    return all;
  }

  void arithmetic(const Op& op);
  void compare(const Op& op);
  void logic(const Op& op);
  void lanes(const Op& op);
  void interleave(const Op& op);
  void shift(const Op& op);
  void reverse(const Op& op);
  void rotate_x87(bool push);
  void address(const Op& op);

  void load_piece(const Access& access, uint32_t from, uint32_t size, LabelId* labels) {
    taint::load_piece(memory_, access, from, size, labels);
  }
  void store_piece(const Access& access, uint32_t from, uint32_t size, const LabelId* labels) {
    taint::store_piece(memory_, access, from, size, labels);
  }
  // Calls visit(access, offset in it, offset in the range, bytes) for what is in both.
  template <class Visit>
  void for_each_piece(bool stores, uint64_t begin, uint32_t size, Visit visit);
  bool load(uint32_t offset, uint32_t size, LabelId* labels);
  void store(uint32_t offset, uint32_t size, const LabelId* labels);
  void restore(const Op& op);
  bool is_initialised(unsigned component);

  void string(const Op& op);
  void copy_elements(uint32_t size);
  void scan_elements(const Op& op);
  void load_elements(uint32_t size);

  void report(Finding::Kind kind, LabelId label) { findings_.add({kind, index_, label}); }

  const Policy& policy_;
  LabelSets& sets_;
  ShadowMemory& memory_;
  LabelId* const r_;
  FindingList& findings_;

  std::span<const Access> log_;
  uint16_t index_ = 0;
  Area loads_, stores_;
};

// --- The instruction -----------------------------------------------------------------------------

void Interpreter::find_areas(bool is_xsave) {
  loads_ = stores_ = Area();
  for (const Access& access : log_) {
    Area& area = access.is_store ? stores_ : loads_;
    if (area.count++ == 0) {
      area.only = &access;
      area.base = access.vaddr;
    } else {
      area.only = nullptr;
      area.base = std::min(area.base, access.vaddr);
    }
  }
  if (!is_xsave) return;
  // The header is always looked at, and that first; where the area begins, need not be.
  const auto header = std::find_if(log_.begin(), log_.end(),
                                   [](const Access& access) { return access.is_store == 0; });
  if (header == log_.end()) return;
  loads_.base = stores_.base = (header->vaddr & ~uint64_t{kXsaveAlignment - 1}) - kXsaveHeader;
  loads_.only = stores_.only = nullptr;
}

void Interpreter::run(const Instruction& instruction, std::span<const Op> ops, uint16_t index,
                      std::span<const Access> log) {
  index_ = index;
  log_ = log;
  if (!log.empty() || (instruction.flags & Instruction::kAnyAccesses) != 0)
    find_areas((instruction.flags & Instruction::kIsXsave) != 0);
  r_[kAddressLabel] = kNoLabel;
  for (const Op& one : ops) op(one);
}

void Interpreter::op(const Op& op) {
  LabelId* const d = r_ + op.dst;
  const LabelId* const a = r_ + op.a;
  const LabelId* const b = r_ + op.b;
  switch (op.code) {
    case OpCode::kClear:
      std::memset(d, 0, op.n * sizeof(LabelId));
      break;
    case OpCode::kCopy:
      std::memmove(d, a, op.n * sizeof(LabelId));
      break;
    case OpCode::kKeep:
      for (uint32_t i = 0; i < op.n; ++i) d[i] = (op.c >> i & 1) != 0 ? a[i] : kNoLabel;
      break;
    case OpCode::kJoin:
      join_each(sets_, d, a, b, op.n);
      break;
    case OpCode::kUnion:
      unite_each(sets_, d, a, b, op.n);
      break;
    case OpCode::kMix: {
      const LabelId all = computed(join_all(a, op.c));
      std::fill_n(d, op.n, all);
      break;
    }
    case OpCode::kMixInto: {
      const LabelId all = computed(join_all(a, op.c));
      for (uint32_t i = 0; i < op.n; ++i) d[i] = join(d[i], all);
      break;
    }
    case OpCode::kSpread: {
      const LabelId all = join_all(a, op.c);
      for (uint32_t i = 0; i < op.n; ++i) d[i] = join(d[i], all);
      break;
    }
    case OpCode::kReverse:
      reverse(op);
      break;
    case OpCode::kLanes:
      lanes(op);
      break;
    case OpCode::kInterleave:
      interleave(op);
      break;
    case OpCode::kCarry:
      carry(sets_, d, a, b, op.n, op.w);
      break;
    case OpCode::kShiftLeft:
    case OpCode::kShiftRight:
    case OpCode::kShiftArithmetic:
    case OpCode::kRotateLeft:
      shift(op);
      break;
    case OpCode::kArithmetic:
      arithmetic(op);
      break;
    case OpCode::kCompare:
      compare(op);
      break;
    case OpCode::kLogic:
      logic(op);
      break;
    case OpCode::kFlags:
      set_flags(op.w, computed(join_all(a, op.c)));
      break;
    case OpCode::kPickFlags:
      std::fill_n(d, op.n, sets_.keep(pick_flags(op.w)));
      break;
    case OpCode::kLoad:
      load(op.a, op.n, d);
      break;
    case OpCode::kStore:
      store(op.a, op.n, d);
      break;
    case OpCode::kClearArea:
      for (const Access& access : log_)
        if (access.is_store) clear(memory_, access);
      break;
    case OpCode::kAddress:
      address(op);
      break;
    case OpCode::kRestore:
      restore(op);
      break;
    case OpCode::kString:
      string(op);
      break;
    case OpCode::kBranch:
      if (const LabelId all = join_all(a, op.c)) report(Finding::kBranch, all);
      break;
    case OpCode::kBranchIf:
      if (const LabelId all = pick_flags(op.w)) report(Finding::kBranch, all);
      break;
    case OpCode::kJump:
      if (const LabelId all = join_all(a, op.c)) report(Finding::kJump, all);
      break;
    case OpCode::kUnmodelled:
      report(Finding::kUnmodelled, join_all(a, op.c));
      break;
    case OpCode::kPushX87:
      rotate_x87(true);
      break;
    case OpCode::kPopX87:
      rotate_x87(false);
      break;
    case OpCode::kCount:
      break;
  }
}

// --- Registers -----------------------------------------------------------------------------------

void Interpreter::arithmetic(const Op& op) {
  carry(sets_, r_ + op.dst, r_ + op.a, r_ + op.b, op.n, op.n);
  set_sum_flags(op.w, r_[op.dst], r_[op.dst + op.n - 1]);
}

void Interpreter::compare(const Op& op) {
  const Compared compared = taint::compare(sets_, r_ + op.a, r_ + op.b, op.n);
  set_sum_flags(kAllFlags, compared.low, compared.all);
}

void Interpreter::logic(const Op& op) {
  LabelId* const d = r_ + op.dst;
  LabelId* const flags = r_ + kFlags;
  flags[kZf] = taint::logic(sets_, d, r_ + op.a, r_ + op.b, op.n);
  flags[kPf] = d[0];
  flags[kSf] = d[op.n - 1];
  flags[kCf] = flags[kAf] = flags[kOf] = kNoLabel;
}

void Interpreter::lanes(const Op& op) {
  LabelId out[kMostOutput];
  const LabelId* a = r_ + op.a;
  for (uint32_t i = 0; i < op.n; i += op.w, a += op.c)
    std::fill_n(out + i, op.w, computed(join_all(a, op.c)));
  std::memcpy(r_ + op.dst, out, op.n * sizeof(LabelId));
}

void Interpreter::interleave(const Op& op) {
  LabelId out[kMostOutput];
  const LabelId* a = r_ + op.a;
  const LabelId* b = r_ + op.b;
  for (uint32_t i = 0; i < op.n; i += 2u * op.w, a += op.w, b += op.w) {
    std::copy_n(a, op.w, out + i);
    std::copy_n(b, op.w, out + i + op.w);
  }
  std::memcpy(r_ + op.dst, out, op.n * sizeof(LabelId));
}

void Interpreter::reverse(const Op& op) {
  LabelId out[kMostOutput];
  std::reverse_copy(r_ + op.a, r_ + op.a + op.n, out);
  std::memcpy(r_ + op.dst, out, op.n * sizeof(LabelId));
}

void Interpreter::shift(const Op& op) {
  LabelId out[kMostOutput];
  const int width = op.w, bytes = op.b / 8;
  const bool split = op.b % 8 != 0;
  for (int lane = 0; lane < op.n; lane += width) {
    const LabelId* const a = r_ + op.a + lane;
    const auto at = [&](int i) -> LabelId {
      if (op.code == OpCode::kRotateLeft) return a[(i + width) % width];
      if (op.code == OpCode::kShiftArithmetic) return a[std::min(i, width - 1)];
      return i >= 0 && i < width ? a[i] : kNoLabel;
    };
    const bool left = op.code == OpCode::kShiftLeft || op.code == OpCode::kRotateLeft;
    for (int i = 0; i < width; ++i) {
      const int from = left ? i - bytes : i + bytes;
      const LabelId one = at(from);
      const bool only_sign = op.code == OpCode::kShiftArithmetic && from >= width;
      out[lane + i] = split       ? computed(join(one, at(left ? from - 1 : from + 1)))
                      : only_sign ? computed(one)
                                  : one;
    }
  }
  std::memcpy(r_ + op.dst, out, op.n * sizeof(LabelId));
}

void Interpreter::rotate_x87(bool push) {
  LabelId* const begin = r_ + kX87;
  LabelId* const end = begin + size_t{kX87Bytes} * kX87Count;
  std::rotate(begin, push ? end - kX87Bytes : begin + kX87Bytes, end);
}

void Interpreter::address(const Op& op) {
  LabelId all = kNoLabel;
  if (policy_.pointers) {
    if (op.a != kNoPlace) all = join_all(r_ + op.a, op.w);
    if (op.b != kNoPlace) all = join(all, join_all(r_ + op.b, op.w));
  }
  r_[kAddressLabel] = all;
}

// --- Memory --------------------------------------------------------------------------------------

template <class Visit>
void Interpreter::for_each_piece(bool stores, uint64_t begin, uint32_t size, Visit visit) {
  for (const Access& access : log_) {
    if ((access.is_store != 0) != stores) continue;
    // Modulo 2^64: a piece may be at the very end of the address space.
    const uint64_t ahead = access.vaddr - begin;  // of the access in the range
    const uint64_t into = begin - access.vaddr;   // of the range in the access
    if (ahead < size)
      visit(access, 0u, uint32_t(ahead), std::min(uint32_t(access.size), size - uint32_t(ahead)));
    else if (into < access.size)
      visit(access, uint32_t(into), 0u, std::min(access.size - uint32_t(into), size));
  }
}

bool Interpreter::load(uint32_t offset, uint32_t size, LabelId* labels) {
  bool found = true;
  if (loads_.only && offset + size <= loads_.only->size) {
    load_piece(*loads_.only, offset, size, labels);
  } else {
    found = false;
    std::fill_n(labels, size, kNoLabel);
    for_each_piece(false, loads_.base + offset, size,
                   [&](const Access& access, uint32_t from, uint32_t to, uint32_t count) {
                     load_piece(access, from, count, labels + to);
                     found = true;
                   });
  }
  if (const LabelId address = r_[kAddressLabel])
    for (uint32_t i = 0; i < size; ++i) labels[i] = join(labels[i], address);
  return found;
}

void Interpreter::store(uint32_t offset, uint32_t size, const LabelId* labels) {
  if (stores_.only && offset + size <= stores_.only->size)
    return store_piece(*stores_.only, offset, size, labels);
  for_each_piece(true, stores_.base + offset, size,
                 [&](const Access& access, uint32_t from, uint32_t to, uint32_t count) {
                   store_piece(access, from, count, labels + to);
                 });
}

bool Interpreter::is_initialised(unsigned component) {
  bool found = false;
  for_each_piece(false, loads_.base + kXsaveHeader, 1,
                 [&](const Access& access, uint32_t from, uint32_t, uint32_t) {
                   found = (access.value[from] >> component & 1) == 0;
                 });
  return found;
}

void Interpreter::restore(const Op& op) {
  LabelId labels[kMostOutput];
  if (load(op.a, op.n, labels))
    std::memcpy(r_ + op.dst, labels, op.n * sizeof(LabelId));
  else if (is_initialised(op.b))
    std::memset(r_ + op.dst, 0, op.n * sizeof(LabelId));
}

// --- String instructions -------------------------------------------------------------------------

void Interpreter::string(const Op& op) {
  switch (StringKind(op.n)) {
    case kMovs:
      return copy_elements(op.w);
    case kStos: {
      uint32_t done = 0;
      for (const Access& access : log_) {
        if (!access.is_store) continue;
        const uint32_t size = std::min<uint32_t>(access.size, op.w - done);
        store_piece(access, 0, size, r_ + gpr_at(0) + done);
        done = (done + size) % op.w;
      }
      return;
    }
    case kLods:
      return load_elements(op.w);
    case kScas:
    case kCmps:
      return scan_elements(op);
    case kIns:
      for (const Access& access : log_)
        if (access.is_store) clear(memory_, access);
      return;
    case kOuts:
      return;
  }
}

void Interpreter::copy_elements(uint32_t size) {
  LabelId element[8] = {};
  uint32_t loaded = 0, stored = 0;
  for (const Access& access : log_) {
    if (access.is_store) {
      const uint32_t here = std::min<uint32_t>(access.size, size - stored);
      store_piece(access, 0, here, element + stored);
      stored = (stored + here) % size;
    } else {
      if (loaded == size) loaded = 0;
      const uint32_t here = std::min<uint32_t>(access.size, size - loaded);
      load_piece(access, 0, here, element + loaded);
      for (uint32_t i = loaded; i < loaded + here; ++i)
        element[i] = join(element[i], r_[kAddressLabel]);
      loaded += here;
    }
  }
}

void Interpreter::load_elements(uint32_t size) {
  LabelId* const rax = r_ + gpr_at(0);
  uint32_t loaded = 0;
  for (const Access& access : log_) {
    if (access.is_store) continue;
    const uint32_t here = std::min<uint32_t>(access.size, size - loaded);
    load_piece(access, 0, here, rax + loaded);
    for (uint32_t i = loaded; i < loaded + here; ++i) rax[i] = join(rax[i], r_[kAddressLabel]);
    loaded = (loaded + here) % size;
    if (size == 4) std::fill_n(rax + 4, 4, kNoLabel);
  }
}

void Interpreter::scan_elements(const Op& op) {
  LabelId all = op.n == kScas ? join_all(r_ + gpr_at(0), op.w) : LabelId{kNoLabel};
  if (loads_.count == 0) return;  // repeated no time: nothing changes
  for (const Access& access : log_) {
    if (access.is_store) continue;
    LabelId labels[Access::kMostBytes];
    load_piece(access, 0, access.size, labels);
    all = join(all, join_all(labels, access.size));
  }
  all = computed(join(all, r_[kAddressLabel]));
  set_flags(kAllFlags, all);
  if (op.c == 0) return;
  // How far it went depends on what it saw.
  const auto into = [&](unsigned gpr) {
    LabelId* const d = r_ + gpr_at(gpr);
    for (uint32_t i = 0; i < kGprBytes; ++i) d[i] = join(d[i], all);
  };
  into(2);
  into(5);
  if (op.n == kCmps) into(4);
}

// --- The block -----------------------------------------------------------------------------------

// All that flows into the instruction, for whoever wants each labelled one.
LabelId inputs(const Instruction& instruction, std::span<const Access> log, const Policy& policy,
               const State& state) {
  LabelId all = kNoLabel;
  const auto add = [&](LabelId label) { all = state.sets.join(all, label); };
  const RegisterShadow& r = state.registers;
  for (RegisterMask left = reads(instruction.summary, policy) & r.labelled; left != 0;
       left &= left - 1) {
    const auto bit = unsigned(__builtin_ctzll(left));
    const LabelId* const bytes = r.at(RegisterShadow::place_of(bit));
    for (uint16_t i = 0; i < RegisterShadow::size_of(bit); ++i) add(bytes[i]);
  }
  for (const Access& access : log) {
    if (access.is_store) continue;
    LabelId labels[Access::kMostBytes];
    load_all(state.memory, access, labels);
    for (uint32_t i = 0; i < access.size; ++i) add(labels[i]);
  }
  return all;
}

// Tells of the loads that have labels; whether there are any. (Labels that turn out to be stale are
// gone then.)
bool tell_loads(uint16_t index, std::span<const Access> log, const State& state) {
  bool found = false;
  for (const Access& access : log) {
    LabelId labels[Access::kMostBytes];
    if (access.is_store || !load_all(state.memory, access, labels)) continue;
    found = true;
    if (state.observer) state.observer->loaded(index, {labels, access.size});
  }
  return found;
}

}  // namespace

bool is_complete(const Instruction& instruction, std::span<const Access> log) {
  if ((instruction.flags & Instruction::kAnyAccesses) != 0) return true;
  uint32_t loaded = 0, stored = 0;
  for (const Access& access : log) (access.is_store ? stored : loaded) += access.size;
  return loaded >= instruction.load_bytes && stored >= instruction.store_bytes;
}

void settle_many_flags(const State& state) {
  for (unsigned i = 0; i < kFlagCount; ++i) {
    LabelId& flag = state.registers.bytes[flag_at(i)];
    flag = state.sets.keep(flag);
  }
  state.sets.forget_passing();
}

bool execute(const Block& block, uint32_t first, uint32_t last, std::span<const Access> log,
             const Policy& policy, const State& state, FindingList& findings) {
  settle_flags(state);
  RegisterShadow& registers = state.registers;
  last = std::min(last, uint32_t(block.instructions.size()));
  if (first >= last) return false;
  // What the last one accessed is at the end.
  size_t end = log.size();
  while (end > 0 && log[end - 1].instruction >= last - 1) --end;
  if (!is_complete(block.instructions[last - 1], log.subspan(end))) {
    --last;
    log = log.first(end);
  }

  const auto is_labelled = [&](const Access& access) { return any_label(state.memory, access); };
  const bool is_whole = first == 0 && last == block.instructions.size();
  if (is_whole && (reads(block.summary, policy) & registers.labelled) == 0 &&
      std::none_of(log.begin(), log.end(), is_labelled)) {
    registers.clear(block.summary.kills);
    return false;
  }

  bool effect = false;
  const Access* access = log.data();
  const Access* const log_end = log.data() + log.size();
  for (uint32_t i = first; i < last; ++i) {
    const Access* const its_first = access;
    while (access != log_end && access->instruction <= i) ++access;
    effect |= execute_instruction(block, uint16_t(i), is_whole, {its_first, access}, policy, state,
                                  findings);
  }
  return effect;
}

bool execute_instruction(const Block& block, uint16_t index, bool is_whole,
                         std::span<const Access> log, const Policy& policy, const State& state,
                         FindingList& findings) {
  const Instruction& instruction = block.instructions[index];
  RegisterShadow& registers = state.registers;
  const bool loads_any = tell_loads(index, log, state);
  if (!loads_any && (reads(instruction.summary, policy) & registers.labelled) == 0) {
    for (const Access& access : log)
      if (access.is_store) clear(state.memory, access);
    registers.clear(instruction.summary.kills);
    return false;
  }
  if (policy.instructions)
    if (const LabelId label = inputs(instruction, log, policy, state))
      findings.add({Finding::kInstruction, index, label});
  // Whoever wants all labelled inputs wants those that nothing looks at, too.
  const bool trimmed = is_whole && !policy.instructions;
  const auto ops = trimmed
                       ? std::span(block.whole_ops)
                             .subspan(instruction.first_whole_op, instruction.whole_op_count)
                       : std::span(block.ops).subspan(instruction.first_op, instruction.op_count);
  Interpreter(policy, state, findings).run(instruction, ops, index, log);
  registers.refresh(instruction.summary.writes);
  return true;
}

}  // namespace fptrace::emu::taint
