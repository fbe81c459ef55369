#include "backends/emu/taint/jit/translator.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>

namespace fptrace::emu::taint::jit {
namespace {

// Lanes that are loaded or stored at a time: wider values only have to be taken apart again.
constexpr unsigned kChunk = 8;
constexpr unsigned kScratchAlignment = 32;

// Of the bits of RegisterMask.
constexpr unsigned kRegisters = kHighBit + kVectorCount;

}  // namespace

Translator::Translator(LLVMModuleRef module, const char* name, const Helpers& helpers,
                       const Plan& plan)
    : helpers_(helpers),
      plan_(plan),
      context_(LLVMGetModuleContext(module)),
      module_(module),
      builder_(LLVMCreateBuilderInContext(context_)),
      void_(LLVMVoidTypeInContext(context_)),
      i1_(LLVMInt1TypeInContext(context_)),
      i32_(LLVMInt32TypeInContext(context_)),
      i64_(LLVMInt64TypeInContext(context_)),
      pointer_(LLVMPointerTypeInContext(context_, 0)) {
  function_ = LLVMAddFunction(module, name, LLVMFunctionType(void_, &pointer_, 1, false));
  frame_ = LLVMGetParam(function_, 0);
}

Translator::~Translator() { LLVMDisposeBuilder(builder_); }

void Translator::translate() {
  LLVMPositionBuilderAtEnd(builder_, new_block());
  for (Value& scratch : scratch_) {
    scratch = LLVMBuildAlloca(builder_, vector_type(kMostLanes), "");
    LLVMSetAlignment(scratch, kScratchAlignment);
  }
  const auto field = [&](size_t offset) {
    return LLVMBuildLoad2(builder_, pointer_, index(frame_, offset), "");
  };
  registers_ = field(offsetof(Frame, registers));
  labelled_ = field(offsetof(Frame, labelled));
  first_access_ = field(plan_.any_interpreted ? offsetof(Frame, steps) : offsetof(Frame, accesses));
  for (const PlannedInstruction& planned : plan_.instructions) instruction(planned);
  write_back();
  LLVMBuildRetVoid(builder_);
}

void Translator::instruction(const PlannedInstruction& planned) {
  if (planned.interpreted) return interpret(planned);
  address_ = {};
  if (planned.load != PlannedInstruction::kNone) load(planned);
  for (uint32_t i = 0; i < planned.op_count; ++i) op(plan_.ops[planned.first_op + i], planned);
}

void Translator::interpret(const PlannedInstruction& planned) {
  write_back();
  call(reinterpret_cast<const void*>(helpers_.interpret), void_, frame_, number(planned.index),
       access(planned.step), access(planned.step + 1));
  for (Place& place : places_) place = {};
}

void Translator::op(const Op& op, const PlannedInstruction& planned) {
  const auto a = [&] { return get(op.a, op.n); };
  const auto b = [&] { return get(op.b, op.n); };
  const auto inputs = [&] { return get(op.a, op.c); };
  switch (op.code) {
    case OpCode::kClear:
      return put(op.dst, Run(op.n));
    case OpCode::kCopy:
      return put(op.dst, a());
    case OpCode::kKeep: {
      Run kept = a();
      for (unsigned i = 0; i < op.n; ++i)
        if ((op.c >> i & 1) == 0) kept[i] = {};
      return put(op.dst, kept);
    }
    case OpCode::kJoin:
      return put(op.dst, join_each(a(), b()));
    case OpCode::kUnion:
      return put(op.dst, unite_each(a(), b()));
    case OpCode::kMix:
      return put(op.dst, splat(mix(inputs()), op.n));
    case OpCode::kMixInto:
      return put(op.dst, join_each(get(op.dst, op.n), splat(mix(inputs()), op.n)));
    case OpCode::kSpread:
      return put(op.dst, join_each(get(op.dst, op.n), splat(join_all(inputs()), op.n)));
    case OpCode::kReverse: {
      Run labels = a();
      std::reverse(labels.begin(), labels.end());
      return put(op.dst, labels);
    }
    case OpCode::kInterleave:
      return interleave(op);
    case OpCode::kLanes:
      return lanes(op);
    case OpCode::kCarry:
      return put(op.dst, carry(a(), b(), op.w));
    case OpCode::kShiftLeft:
    case OpCode::kShiftRight:
    case OpCode::kShiftArithmetic:
    case OpCode::kRotateLeft:
      return shift(op);
    case OpCode::kArithmetic:
      return arithmetic(op);
    case OpCode::kCompare:
      return compare(op);
    case OpCode::kLogic:
      return logic(op);
    case OpCode::kFlags:
      return put_flags(op.w, mix(inputs()));
    case OpCode::kPickFlags:
      return put(op.dst, splat(keep(join_all(get_flags(op.w))), op.n));
    case OpCode::kLoad: {
      const Run loaded(loaded_.begin() + op.a, loaded_.begin() + op.a + op.n);
      return put(op.dst, join_each(loaded, splat(address_, op.n)));
    }
    case OpCode::kStore:
      return store(op, planned);
    case OpCode::kClearArea:
      call(reinterpret_cast<const void*>(helpers_.clear), void_, frame_, access(planned.store));
      return;
    case OpCode::kAddress:
      return address(op);
    case OpCode::kBranch:
      return report(Finding::kBranch, inputs(), planned);
    case OpCode::kBranchIf:
      return report(Finding::kBranch, get_flags(op.w), planned);
    case OpCode::kJump:
      return report(Finding::kJump, inputs(), planned);
    case OpCode::kRestore:
    case OpCode::kString:
    case OpCode::kUnmodelled:
    case OpCode::kPushX87:
    case OpCode::kPopX87:
    case OpCode::kCount:
      return;  // interpreted
  }
}

// --- Operations
// ------------------------------------------------------------------------------------

void Translator::shift(const Op& op) {
  const Run in = get(op.a, op.n);
  const int width = op.w, bytes = op.b / 8;
  const bool left = op.code == OpCode::kShiftLeft || op.code == OpCode::kRotateLeft;
  Run one(op.n), other(op.n);
  for (int lane = 0; lane < op.n; lane += width) {
    const auto at = [&](int i) -> Label {
      if (op.code == OpCode::kRotateLeft) i = (i + width) % width;
      if (op.code == OpCode::kShiftArithmetic) i = std::min(i, width - 1);
      return i >= 0 && i < width ? in[size_t(lane) + size_t(i)] : Label{};
    };
    for (int i = 0; i < width; ++i) {
      const int from = left ? i - bytes : i + bytes;
      const size_t to = size_t(lane) + size_t(i);
      one[to] = at(from);
      other[to] = at(left ? from - 1 : from + 1);
    }
  }
  put(op.dst, op.b % 8 != 0 ? unite_each(one, other) : one);
}

void Translator::interleave(const Op& op) {
  const Run a = get(op.a, op.n / 2u), b = get(op.b, op.n / 2u);
  Run out;
  for (unsigned i = 0; i < op.n / 2u; i += op.w) {
    out.insert(out.end(), a.begin() + i, a.begin() + i + op.w);
    out.insert(out.end(), b.begin() + i, b.begin() + i + op.w);
  }
  put(op.dst, out);
}

void Translator::lanes(const Op& op) {
  const Run in = get(op.a, unsigned(op.n / op.w * op.c));
  Run out;
  for (auto from = in.begin(); from != in.end(); from += op.c)
    out.insert(out.end(), op.w, mix(Run(from, from + op.c)));
  put(op.dst, out);
}

void Translator::arithmetic(const Op& op) {
  const Run out = carry(get(op.a, op.n), get(op.b, op.n), op.n);
  put(op.dst, out);
  put_sum_flags(op.w, out.front(), out.back());
}

void Translator::compare(const Op& op) {
  const unsigned n = op.n;
  const Value va = vector_of(get(op.a, n)), vb = vector_of(get(op.b, n)), both = any_of(va, vb);
  Label low, all;
  if (!LLVMIsNull(both)) {
    const Value seen = reduce_or(both), ok = one_label(va, vb, seen);
    const Value fast = vector_of({{both, 0}, label_of(seen)});
    const Value result = guarded(ok, fast, [&] {
      const Value at_a = to_memory(va, 0), at_b = to_memory(vb, 1);
      const Value halves = call(reinterpret_cast<const void*>(helpers_.compare), i64_, frame_, at_a,
                                at_b, number(n));
      return LLVMBuildBitCast(builder_, halves, vector_type(2), "");
    });
    low = {result, 0};
    all = {result, 1};
  }
  put_sum_flags(kAllFlags, low, all);
}

void Translator::logic(const Op& op) {
  const Run a = get(op.a, op.n), b = get(op.b, op.n);
  const Value va = vector_of(a), vb = vector_of(b), both = any_of(va, vb);
  const unsigned n = op.n;
  Run out(n);
  Label all;
  if (!LLVMIsNull(both)) {
    const Value seen = reduce_or(both), ok = one_label(va, vb, seen);
    // What ZF gets is one more lane.
    std::vector<int> lanes(n + 1);
    for (unsigned i = 0; i <= n; ++i) lanes[i] = int(i);
    const auto with_all = [&](Value labels, Value zf) {
      return shuffle(labels, splat_of(zf, n), lanes);
    };
    const Value result = guarded(ok, with_all(both, seen), [&] {
      const Value at_a = to_memory(va, 0), at_b = to_memory(vb, 1);
      const Value zf = call(reinterpret_cast<const void*>(helpers_.logic), i32_, frame_,
                            scratch_[2], at_a, at_b, number(n));
      return with_all(from_memory(n), zf);
    });
    out = run_of(result, n);
    all = {result, n};
  }
  put(op.dst, out);
  put_flags(kSetPf, out.front());
  put_flags(kSetSf, out.back());
  put_flags(kSetZf, all);
  put_flags(kSetCf | kSetAf | kSetOf, {});
}

void Translator::address(const Op& op) {
  address_ = {};
  if (!plan_.pointers) return;
  if (op.a != kNoPlace) address_ = join_all(get(op.a, op.w));
  if (op.b != kNoPlace) address_ = join_each({address_}, {join_all(get(op.b, op.w))}).front();
}

// Also of what nothing is done with: somebody may observe it.
void Translator::load(const PlannedInstruction& planned) {
  const auto helper = helpers_.load[std::countr_zero(planned.load_size)];
  call(reinterpret_cast<const void*>(helper), void_, frame_, access(planned.load),
       number(planned.index), scratch_[2]);
  loaded_ = run_of(from_memory(planned.load_size), planned.load_size);
}

void Translator::store(const Op& op, const PlannedInstruction& planned) {
  const Run labels = get(op.dst, op.n);
  if (LLVMIsNull(vector_of(labels)))
    call(reinterpret_cast<const void*>(helpers_.clear), void_, frame_, access(planned.store));
  else
    call(reinterpret_cast<const void*>(helpers_.store[std::countr_zero(planned.store_size)]), void_,
         frame_, access(planned.store), to_memory(vector_of(labels), 0));
}

void Translator::report(Finding::Kind kind, const Run& labels, const PlannedInstruction& planned) {
  const Value label = scalar_of(join_all(labels));
  if (LLVMIsConstant(label)) return;  // none
  const LLVMBasicBlockRef labelled = new_block(), next = new_block();
  branch(equal(label, number(0)), next, labelled);
  LLVMPositionBuilderAtEnd(builder_, labelled);
  call(reinterpret_cast<const void*>(helpers_.report), void_, frame_, number(kind),
       number(planned.index), label);
  LLVMBuildBr(builder_, next);
  LLVMPositionBuilderAtEnd(builder_, next);
}

// --- Places
// ----------------------------------------------------------------------------------------

Translator::Run Translator::get(unsigned place, unsigned count) {
  for (unsigned i = 0; i < count;) {
    unsigned unknown = 0;
    while (i + unknown < count && unknown < kChunk && !places_[place + i + unknown].known)
      ++unknown;
    if (unknown == 0) {
      ++i;
      continue;
    }
    const Value vector = LLVMBuildLoad2(builder_, vector_type(unknown),
                                        index(registers_, (place + i) * sizeof(LabelId)), "");
    LLVMSetAlignment(vector, alignof(LabelId));
    for (unsigned k = 0; k < unknown; ++k) places_[place + i + k] = {{vector, k}, true, false};
    i += unknown;
  }
  Run labels(count);
  for (unsigned i = 0; i < count; ++i) labels[i] = places_[place + i].label;
  return labels;
}

void Translator::put(unsigned place, const Run& labels) {
  for (const Label& label : labels) places_[place++] = {label, true, true};
}

void Translator::put_flags(unsigned set, Label label) {
  for (; set != 0; set &= set - 1) put(flag_at(unsigned(__builtin_ctz(set))), {label});
}

void Translator::put_sum_flags(unsigned set, Label low, Label all) {
  put_flags(kSetPf | kSetAf, low);
  put_flags(kSetZf | kSetSf | kSetOf | (set & kSetCf), all);
}

Translator::Run Translator::get_flags(unsigned set) {
  Run labels;
  for (; set != 0; set &= set - 1)
    labels.push_back(get(flag_at(unsigned(__builtin_ctz(set))), 1).front());
  return labels;
}

Translator::Value Translator::has_label(const Run& labels) {
  Run distinct;
  for (const Label& label : labels)
    if (label != Label{} && std::find(distinct.begin(), distinct.end(), label) == distinct.end())
      distinct.push_back(label);
  if (distinct.empty()) return LLVMConstInt(i1_, 0, false);
  return LLVMBuildICmp(builder_, LLVMIntNE, reduce_or(vector_of(distinct)), number(0), "");
}

void Translator::write_back() {
  RegisterMask written = 0;
  Value now = LLVMConstInt(i64_, 0, false);
  for (unsigned bit = 0; bit < kRegisters; ++bit) {
    const unsigned at = RegisterShadow::place_of(bit), size = RegisterShadow::size_of(bit);
    const Place* const first = places_ + at;
    const auto is_dirty = [](const Place& place) { return place.dirty; };
    if (std::none_of(first, first + size, is_dirty)) continue;
    written |= RegisterMask{1} << bit;
    const Value any = LLVMBuildZExt(builder_, has_label(get(at, size)), i64_, "");
    now = any_of(now, LLVMBuildShl(builder_, any, LLVMConstInt(i64_, bit, false), ""));
    for (unsigned i = 0; i < size;) {
      unsigned dirty = 0;
      while (i + dirty < size && dirty < kChunk && first[i + dirty].dirty) ++dirty;
      if (dirty != 0) {
        const Value where = index(registers_, (at + i) * sizeof(LabelId));
        LLVMSetAlignment(LLVMBuildStore(builder_, vector_of(get(at + i, dirty)), where),
                         alignof(LabelId));
      }
      i += std::max(dirty, 1u);
    }
  }
  for (Place& place : places_) place.dirty = false;
  if (written == 0) return;
  const Value kept = LLVMBuildAnd(builder_, LLVMBuildLoad2(builder_, i64_, labelled_, ""),
                                  LLVMConstInt(i64_, ~written, false), "");
  LLVMBuildStore(builder_, any_of(kept, now), labelled_);
}

// --- Joins
// -----------------------------------------------------------------------------------------

Translator::Label Translator::gather(const Run& labels,
                                     LabelId (*helper)(Frame*, const LabelId*, uint32_t),
                                     bool deep) {
  const auto some = std::find_if(labels.begin(), labels.end(),
                                 [](const Label& label) { return label != Label{}; });
  if (some == labels.end()) return {};
  const bool one = std::all_of(labels.begin(), labels.end(), [&](const Label& label) {
    return label == Label{} || label == *some;
  });
  if (one && !deep) return *some;
  // The helper is given all of them: how they lie side by side may decide how it joins them.
  const Run given = one ? Run{*some} : labels;
  const Value vector = vector_of(given), seen = reduce_or(vector);
  const Value ok =
      deep ? equal(seen, number(0)) : all_lanes(none_or(vector, splat_of(seen, given.size())));
  return label_of(guarded(ok, seen, [&] {
    return call(reinterpret_cast<const void*>(helper), i32_, frame_, to_memory(vector, 0),
                number(uint32_t(given.size())));
  }));
}

// What is not a flag's any more stays: see LabelSets.
Translator::Label Translator::keep(Label label) {
  if (!label.vector) return label;
  const Value id = scalar_of(label);
  const Value kind = LLVMBuildLShr(builder_, id, number(30), "");
  static_assert(kPassingSet == 1u << 30 && kSingleLabel == 1u << 31);
  const Value stays = LLVMBuildICmp(builder_, LLVMIntNE, kind, number(1), "");
  return label_of(guarded(stays, id, [&] {
    return call(reinterpret_cast<const void*>(helpers_.keep), i32_, frame_, id);
  }));
}

Translator::Run Translator::pairwise(const Run& a, const Run& b, Pairwise helper, bool deep) {
  Run out(a.size()), left, right;
  std::vector<size_t> open;  // where the result is not known beforehand
  for (size_t i = 0; i < a.size(); ++i) {
    const bool none = a[i] == Label{} && b[i] == Label{};
    if (none || (!deep && (b[i] == Label{} || a[i] == b[i]))) {
      out[i] = a[i];
    } else if (!deep && a[i] == Label{}) {
      out[i] = b[i];
    } else {
      open.push_back(i);
      left.push_back(a[i]);
      right.push_back(b[i]);
    }
  }
  if (open.empty()) return out;
  const auto n = unsigned(open.size());
  const Value va = vector_of(left), vb = vector_of(right), both = any_of(va, vb);
  const Value ok =
      deep ? equal(reduce_or(both), number(0))
           : all_lanes(any_of(equal(va, vb), any_of(equal(va, zeros(n)), equal(vb, zeros(n)))));
  const Value result = guarded(ok, both, [&] {
    const Value at_a = to_memory(va, 0), at_b = to_memory(vb, 1);
    call(reinterpret_cast<const void*>(helper), void_, frame_, scratch_[2], at_a, at_b, number(n));
    return from_memory(n);
  });
  for (unsigned i = 0; i < n; ++i) out[open[i]] = {result, i};
  return out;
}

Translator::Run Translator::carry(const Run& a, const Run& b, unsigned lane) {
  const auto n = unsigned(a.size());
  const Value va = vector_of(a), vb = vector_of(b), both = any_of(va, vb);
  if (LLVMIsNull(both)) return Run(n);
  const Value ok = one_label(va, vb, reduce_or(both));
  Value sums = both;
  if (!plan_.depth) {
    // Each byte takes in those below, of its lane: of 1, 3, 7...
    for (unsigned step = 1; step < lane; step *= 2) {
      std::vector<int> below(n);
      for (unsigned i = 0; i < n; ++i) below[i] = int(i % lane >= step ? i - step : n + i);
      sums = any_of(sums, shuffle(sums, zeros(n), below));
    }
  }
  return run_of(guarded(ok, sums,
                        [&] {
                          const Value at_a = to_memory(va, 0), at_b = to_memory(vb, 1);
                          call(reinterpret_cast<const void*>(helpers_.carry), void_, frame_,
                               scratch_[2], at_a, at_b, number(n), number(lane));
                          return from_memory(n);
                        }),
                n);
}

// --- Values
// ----------------------------------------------------------------------------------------

Translator::Value Translator::shuffle(Value a, Value b, const std::vector<int>& lanes) {
  std::vector<Value> mask;
  mask.reserve(lanes.size());
  for (const int lane : lanes)
    mask.push_back(lane < 0 ? LLVMGetPoison(i32_) : number(uint32_t(lane)));
  return LLVMBuildShuffleVector(builder_, a, b, LLVMConstVector(mask.data(), unsigned(mask.size())),
                                "");
}

Translator::Value Translator::vector_of(const Run& labels) {
  const auto n = unsigned(labels.size());
  // From one vector after the other, the first time with none in all other lanes.
  std::vector<Value> sources;
  for (const Label& label : labels)
    if (label.vector && std::find(sources.begin(), sources.end(), label.vector) == sources.end())
      sources.push_back(label.vector);
  Value out = nullptr;
  for (const Value source : sources) {
    const unsigned width = LLVMGetVectorSize(LLVMTypeOf(source));
    std::vector<int> lanes(n), merged(n);
    bool same = width == n;
    for (unsigned i = 0; i < n; ++i) {
      const bool here = labels[i].vector == source;
      lanes[i] = here ? int(labels[i].lane) : out ? -1 : int(width);
      merged[i] = int(here ? n + i : i);
      same = same && here && labels[i].lane == i;
    }
    if (same) return source;
    const Value widened = shuffle(source, zeros(width), lanes);
    out = out ? shuffle(out, widened, merged) : widened;
  }
  return out ? out : zeros(n);
}

Translator::Run Translator::run_of(Value vector, unsigned count) {
  Run labels(count);
  for (unsigned i = 0; i < count; ++i) labels[i] = {vector, i};
  return labels;
}

Translator::Label Translator::label_of(Value scalar) {
  return {LLVMBuildInsertElement(builder_, LLVMGetPoison(vector_type(1)), scalar, number(0), ""),
          0};
}

Translator::Value Translator::scalar_of(Label label) {
  if (!label.vector) return number(0);
  return LLVMBuildExtractElement(builder_, label.vector, number(label.lane), "");
}

Translator::Value Translator::splat_of(Value scalar, size_t count) {
  return vector_of(splat(label_of(scalar), count));
}

Translator::Value Translator::all_lanes(Value lanes) {
  const Type bits = LLVMIntTypeInContext(context_, LLVMGetVectorSize(LLVMTypeOf(lanes)));
  return equal(LLVMBuildBitCast(builder_, lanes, bits, ""), LLVMConstAllOnes(bits));
}

Translator::Value Translator::reduce_or(Value vector) {
  Type type = LLVMTypeOf(vector);
  if (LLVMGetVectorSize(type) == 1) return LLVMBuildExtractElement(builder_, vector, number(0), "");
  static constexpr char kName[] = "llvm.vector.reduce.or";
  const unsigned id = LLVMLookupIntrinsicID(kName, sizeof(kName) - 1);
  const Value reduce = LLVMGetIntrinsicDeclaration(module_, id, &type, 1);
  return LLVMBuildCall2(builder_, LLVMIntrinsicGetType(context_, id, &type, 1), reduce, &vector, 1,
                        "");
}

Translator::Value Translator::none_or(Value vector, Value splat_label) {
  return any_of(equal(vector, splat_label), equal(vector, LLVMConstNull(LLVMTypeOf(vector))));
}

Translator::Value Translator::one_label(Value a, Value b, Value seen) {
  if (plan_.depth) return equal(seen, number(0));
  const Value label = splat_of(seen, LLVMGetVectorSize(LLVMTypeOf(a)));
  return all_lanes(LLVMBuildAnd(builder_, none_or(a, label), none_or(b, label), ""));
}

Translator::Value Translator::index(Value pointer, uint64_t bytes) {
  Value offset = LLVMConstInt(i64_, bytes, false);
  return LLVMBuildInBoundsGEP2(builder_, LLVMInt8TypeInContext(context_), pointer, &offset, 1, "");
}

Translator::Value Translator::access(uint32_t step) {
  if (plan_.any_interpreted)
    return LLVMBuildLoad2(builder_, pointer_, index(first_access_, step * sizeof(uint64_t*)), "");
  size_t words = 0;
  for (uint32_t i = 0; i < step; ++i) words += plan_.steps[i].words();
  return index(first_access_, words * sizeof(uint64_t));
}

Translator::Value Translator::to_memory(Value vector, unsigned which) {
  LLVMSetAlignment(LLVMBuildStore(builder_, vector, scratch_[which]), kScratchAlignment);
  return scratch_[which];
}

Translator::Value Translator::from_memory(size_t count) {
  const Value vector = LLVMBuildLoad2(builder_, vector_type(count), scratch_[2], "");
  LLVMSetAlignment(vector, kScratchAlignment);
  return vector;
}

template <class... Arguments>
Translator::Value Translator::call(const void* helper, Type result, Arguments... arguments) {
  Value values[] = {arguments...};
  Type types[sizeof...(arguments)];
  std::transform(std::begin(values), std::end(values), types, LLVMTypeOf);
  const Value address = LLVMConstInt(i64_, reinterpret_cast<uintptr_t>(helper), false);
  return LLVMBuildCall2(builder_, LLVMFunctionType(result, types, sizeof...(arguments), false),
                        LLVMConstIntToPtr(address, pointer_), values, sizeof...(arguments), "");
}

template <class Slowly>
Translator::Value Translator::guarded(Value ok, Value fast, Slowly slowly) {
  LLVMBasicBlockRef from[] = {LLVMGetInsertBlock(builder_), new_block()};
  const LLVMBasicBlockRef next = new_block();
  branch(ok, next, from[1]);
  LLVMPositionBuilderAtEnd(builder_, from[1]);
  Value values[] = {fast, slowly()};
  LLVMBuildBr(builder_, next);
  LLVMPositionBuilderAtEnd(builder_, next);
  const Value result = LLVMBuildPhi(builder_, LLVMTypeOf(fast), "");
  LLVMAddIncoming(result, values, from, 2);
  return result;
}

LLVMBasicBlockRef Translator::new_block() {
  return LLVMAppendBasicBlockInContext(context_, function_, "");
}

void Translator::branch(Value condition, LLVMBasicBlockRef likely, LLVMBasicBlockRef unlikely) {
  const Value jump = LLVMBuildCondBr(builder_, condition, likely, unlikely);
  static constexpr char kKind[] = "prof", kName[] = "branch_weights";
  LLVMMetadataRef weights[] = {LLVMMDStringInContext2(context_, kName, sizeof(kName) - 1),
                               LLVMValueAsMetadata(number(64)), LLVMValueAsMetadata(number(1))};
  LLVMSetMetadata(jump, LLVMGetMDKindIDInContext(context_, kKind, sizeof(kKind) - 1),
                  LLVMMetadataAsValue(context_, LLVMMDNodeInContext2(context_, weights, 3)));
}

}  // namespace fptrace::emu::taint::jit
