#include "backends/emu/taint/decode.h"

#include <cstdlib>

#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {

struct Decoder::Handles {
  csh of_32bit = 0, of_64bit = 0;
  cs_insn* insn = nullptr;
};

Decoder::Decoder() : handles_(new Handles) {
  // These fail when memory runs out, and when the library was built without x86.
  if (cs_open(CS_ARCH_X86, CS_MODE_32, &handles_->of_32bit) != CS_ERR_OK ||
      cs_open(CS_ARCH_X86, CS_MODE_64, &handles_->of_64bit) != CS_ERR_OK)
    std::abort();
  cs_option(handles_->of_32bit, CS_OPT_DETAIL, CS_OPT_ON);
  cs_option(handles_->of_64bit, CS_OPT_DETAIL, CS_OPT_ON);
  handles_->insn = cs_malloc(handles_->of_64bit);
  if (!handles_->insn) std::abort();
}

Decoder::~Decoder() {
  cs_free(handles_->insn, 1);
  cs_close(&handles_->of_32bit);
  cs_close(&handles_->of_64bit);
}

const char* Decoder::mnemonic_name(uint16_t mnemonic) const {
  const char* const name =
      mnemonic == X86_INS_INVALID ? nullptr : cs_insn_name(handles_->of_64bit, mnemonic);
  return name ? name : "(unknown)";
}

namespace {

// Instructions newer than Capstone 4.
bool decode_newer(const uint8_t* bytes, size_t size, Emitter& e) {
  size_t at = 0;
  bool repeated = false;
  for (; at < size && (bytes[at] == 0xf3 || bytes[at] == 0x66 || bytes[at] == 0xf2 ||
                       (bytes[at] & 0xf0) == 0x40);
       ++at)
    repeated = repeated || bytes[at] == 0xf3;
  if (size - at < 3 || bytes[at] != 0x0f) return false;
  const uint8_t second = bytes[at + 1], third = bytes[at + 2];
  if (second == 0x01 && (third == 0xee || third == 0xef)) {  // RDPKRU, WRPKRU
    if (third == 0xee) {
      e.clear(gpr(0));
      e.clear(gpr(3));
    }
    return true;
  }
  if (second == 0x01 && (third == 0xe8 || third == 0xea || third == 0xfa || third == 0xfb))
    return true;  // SERIALIZE, SAVEPREVSSP, MONITORX, MWAITX
  if (second == 0xc7 && repeated && (third & 0xf8) == 0xf8) {  // RDPID
    static constexpr uint8_t kGprOf[8] = {0, 2, 3, 1, 7, 6, 4, 5};
    const bool high = at > 0 && (bytes[at - 1] & 0xf1) == 0x41;
    e.clear(gpr(high ? 8u + (third & 7) : kGprOf[third & 7]));
    return true;
  }
  // What older processors take as hints: RDSSP and its like, CLDEMOTE, PREFETCH.
  return second == 0x0d || (second >= 0x18 && second <= 0x1f) || (second == 0x09);
}

}  // namespace

void Decoder::decode(const uint8_t* bytes, size_t size, bool is_64bit, Block& block) {
  const csh handle = is_64bit ? handles_->of_64bit : handles_->of_32bit;
  cs_insn& insn = *handles_->insn;
  const size_t first = block.ops.size();
  Instruction& out = block.instructions.emplace_back();
  out.first_op = uint32_t(first);
  out.size = uint8_t(size);

  const uint8_t* at = bytes;
  size_t left = size;
  uint64_t address = 0;
  const bool known = cs_disasm_iter(handle, &at, &left, &address, &insn) && left == 0;
  if (!known) insn.id = X86_INS_INVALID;
  out.mnemonic = uint16_t(insn.id);
  Emitter e(handle, insn, is_64bit, block);
  if (!known) {
    insn.detail->x86 = cs_x86();
    if (!decode_newer(bytes, size, e)) e.unmodelled({kTemps, 0});
  } else if (!decode_x87(e) && !decode_string(e) && !decode_integer(e) && !decode_vector(e) &&
             !decode_system(e)) {
    decode_unmodelled(e);
  }
  // A vector may have moved it.
  Instruction& done = block.instructions.back();
  done.summary = summarise(std::span(block.ops).subspan(first));
}

Block& BlockCache::find(std::span<const Piece> instructions, bool is_64bit) {
  key_.assign(1, is_64bit ? 'q' : 'd');
  for (const Piece& piece : instructions) {
    key_.push_back(char(piece.size));
    key_.append(reinterpret_cast<const char*>(piece.bytes), piece.size);
  }
  const auto known = blocks_.find(key_);
  if (known != blocks_.end()) return *known->second;
  auto block = std::make_unique<Block>();
  block->instructions.reserve(instructions.size());
  for (const Piece& piece : instructions)
    decoder_.decode(piece.bytes, piece.size, is_64bit, *block);
  Decoder::finish(*block);
  block->ops.shrink_to_fit();
  return *blocks_.emplace(key_, std::move(block)).first->second;
}

void decode_unmodelled(Emitter& e) {
  cs_regs read, written;
  uint8_t read_count = 0, written_count = 0;
  if (cs_regs_access(e.handle(), &e.insn(), read, &read_count, written, &written_count) != 0)
    read_count = written_count = 0;
  e.set(Instruction::kAnyAccesses);
  const Place all = e.temp(1);
  e.clear(all);
  const auto add = [&](Place place) {
    for (unsigned from = 0; from < place.size; from += kTempBytes)
      e.spread(all, place.part(from, std::min<unsigned>(kTempBytes, place.size - from)));
  };
  for (uint8_t i = 0; i < read_count; ++i) {
    if (read[i] == X86_REG_EFLAGS)
      add({flag_at(kCf), 6});
    else
      add(place_of(x86_reg(read[i])));
  }
  // Capstone's notion of which operand is read is not to be relied on.
  for (unsigned i = 0; i < e.count(); ++i) {
    if (e.is_reg(i)) add(place_of(e.operand(i).reg));
    if (!e.is_mem(i)) continue;
    e.address(i);
    for (unsigned from = 0; from < 64; from += kTempBytes) {
      const Place memory = e.temp(kTempBytes);
      e.load(memory, from);
      add(memory);
    }
  }
  e.unmodelled(all);
  const auto mix = [&](Place place) {
    e.mix(place, all);
    e.extend(place);
  };
  for (uint8_t i = 0; i < written_count; ++i) {
    if (written[i] == X86_REG_EFLAGS)
      e.flags(kAllFlags, all);
    else if (const Place place = place_of(x86_reg(written[i])))
      mix(place);
  }
  for (unsigned i = 0; i < e.count(); ++i) {
    if (e.is_reg(i) && i == 0)
      if (const Place place = place_of(e.operand(i).reg)) mix(place);
    if (!e.is_mem(i)) continue;
    const Place memory = e.temp(kTempBytes);
    e.mix(memory, all);
    for (unsigned from = 0; from < 64; from += kTempBytes) e.store(memory, from);
  }
}

}  // namespace fptrace::emu::taint
