#include "backends/emu/plugin/find.h"

#include <errno.h>
#include <string.h>

#include "backends/emu/plugin/page_walk.h"
#include "backends/emu/plugin/plugin_channel.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;
constexpr int kFlagBits = 8;

Find* g_find = nullptr;  // a memory callback's only argument is the instruction's address

size_t value_of(qemu_plugin_meminfo_t info, uint8_t (&bytes)[16]) {
  const qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
  memcpy(bytes, &value.data, sizeof bytes);
  return size_t{1} << value.type;
}

// The pieces of physical memory at [vaddr, vaddr + size), of two pages at most.
bool find_pieces(const GuestRam& ram, const CpuState& cpu, uint64_t vaddr, size_t size,
                 Occurrence& out) {
  out.piece_count = 0;
  while (size > 0) {
    const size_t in_page = kPage - (vaddr & (kPage - 1));
    const size_t part = size < in_page ? size : in_page;
    Occurrence::Piece& piece = out.pieces[out.piece_count++];
    if (!walk_page_tables(ram, cpu, vaddr, &piece.paddr)) return false;
    piece.size = uint32_t(part);
    vaddr += part;
    size -= part;
  }
  return true;
}

bool stands_there(const StringSearch& search, const GuestRam& ram, const Occurrence& at) {
  const uint8_t* expected = search.bytes();
  for (int i = 0; i < at.piece_count; ++i) {
    if (!ram.equals(at.pieces[i].paddr, expected, at.pieces[i].size)) return false;
    expected += at.pieces[i].size;
  }
  return true;
}

}  // namespace

void find_in_access(const StringSearch& search, const GuestRam& ram, RegisterFile& registers,
                    qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t pc,
                    void (*found)(const Occurrence&, void*), void* context) {
  static_assert(kLongestFind <= kPage);
  uint8_t value[16];
  const size_t size = value_of(info, value);
  const bool write = qemu_plugin_mem_is_store(info);
  int at = search.first(value, size, write);
  if (at == StringSearch::kNone || !ram.is_open()) return;
  Occurrence occurrence{};
  occurrence.write = write;
  registers.read(occurrence.cpu);
  occurrence.cpu.rip = occurrence.pc = registers.pc(pc);
  for (; at != StringSearch::kNone; at = search.next(value, size, write, at + 1)) {
    occurrence.vaddr = vaddr + uint64_t(int64_t(at));
    if (find_pieces(ram, occurrence.cpu, occurrence.vaddr, search.size(), occurrence) &&
        stands_there(search, ram, occurrence))
      found(occurrence, context);
  }
}

void Find::set_up(Wire& wire, TaskLives& lives, const GuestRam& ram, RegisterFile& registers,
                  uint64_t (*current)(), uint64_t (*count)()) {
  wire_ = &wire;
  lives_ = &lives;
  ram_ = &ram;
  registers_ = &registers;
  current_ = current;
  count_ = count;
  g_find = this;
}

void Find::instrument(qemu_plugin_insn* instruction, uint64_t vaddr) {
  const uint32_t side = vaddr >> 63 == 0 ? kFindUserCode : kFindKernelCode;
  if ((wire_->want_find & side) == 0) return;
  qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_R_REGS,
                                   QEMU_PLUGIN_MEM_RW, reinterpret_cast<void*>(vaddr));
}

void Find::on_access(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* pc) {
  Find& find = *g_find;
  if (!find.on_) return;
  find_in_access(
      find.search_, *find.ram_, *find.registers_, info, vaddr, uint64_t(pc),
      [](const Occurrence& found, void*) { g_find->hit(found); }, nullptr);
}

void Find::hit(const Occurrence& found) {
  uint32_t flags = found.write ? uint32_t{kFoundWrite} : 0;
  if (found.pc >> 63 != 0) flags |= kFoundKernelCode;
  const uint64_t task = current_();
  const uint64_t life = lives_->life(task);
  bool fresh = false;
  ++hits_.at(life << kFlagBits | flags, found.pc, &fresh);
  if ((!fresh && !every_) || stops_left_ == 0) return;
  --stops_left_;
  Report report{};
  report.kind = uint32_t(ReportKind::kFound);
  report.detail = flags;
  report.count = count_();
  report.task = task;
  report.vaddr = found.pc;
  report.values[0] = found.vaddr;
  report.values[1] = found.pieces[0].paddr;
  report.values[2] = life;
  add_report(*wire_, report);
  StopRecord& stop = wire_->stop;
  stop.kind = StopKind::kFound;
  stop.detail = flags;
  stop.count = report.count;
  stop.task = task;
  stop.cpu = found.cpu;
  yield_turn(*wire_);
}

bool Find::handle(Request& request) {
  if (request.kind == uint32_t(RequestKind::kFind))
    begin(request);
  else if (request.kind == kFindCounts)
    tell_counts(request);
  else
    return false;
  return true;
}

void Find::begin(Request& request) {
  on_ = request.args[0] <= kMailSize && search_.set(wire_->mail, request.args[0]);
  if (!on_) request.error = EINVAL;
  stops_left_ = request.args[1];
  every_ = request.args[2] != 0;
}

void Find::tell_counts(Request& request) {
  auto* const out = reinterpret_cast<FindCount*>(wire_->mail);
  uint64_t number = 0, told = 0;
  for (const PairMap::Entry& entry : hits_) {
    if (!entry.used) continue;
    if (number++ < request.args[0] || told == kMailSize / sizeof(FindCount)) continue;
    const uint32_t flags = uint32_t(entry.first & ((1 << kFlagBits) - 1));
    out[told++] = {entry.first >> kFlagBits, entry.second, entry.value, flags, 0};
  }
  request.reply[0] = hits_.size();
  request.reply[1] = told;
}

}  // namespace fptrace::emu
