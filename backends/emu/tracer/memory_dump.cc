#include "backends/emu/tracer/memory_dump.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

constexpr size_t kPage = 4096, kChunk = 1 << 20;

template <class T>
void append(std::string& out, const T& object) {
  out.append(reinterpret_cast<const char*>(&object), sizeof object);
}

void append_note(std::string& out, const std::string& name, uint32_t type,
                 std::string_view content) {
  constexpr size_t kAlignment = 4;
  const Elf64_Nhdr header{uint32_t(name.size() + 1), uint32_t(content.size()), type};
  append(out, header);
  (out += name) += '\0';
  out.append(-out.size() % kAlignment, '\0');
  out += content;
  out.append(-out.size() % kAlignment, '\0');
}

std::string status_of(const CpuState& cpu, pid_t pid) {
  prstatus_t status{};
  status.pr_pid = pid;
  // user_regs_struct of sys/user.h; orig_rax (15) is that of no call.
  const auto& r = cpu.gpr;
  const std::array<uint64_t, 27> registers = {
      r[kR15],    r[kR14], r[kR13], r[kR12],     r[kRbp],     r[kRbx], r[kR11], r[kR10], r[kR9],
      r[kR8],     r[kRax], r[kRcx], r[kRdx],     r[kRsi],     r[kRdi], ~0ULL,   cpu.rip, cpu.cs,
      cpu.rflags, r[kRsp], cpu.ss,  cpu.fs_base, cpu.gs_base, 0,       0,       0,       0};
  static_assert(sizeof registers == sizeof status.pr_reg);
  std::memcpy(&status.pr_reg, registers.data(), sizeof registers);
  std::string out;
  append(out, status);
  return out;
}

struct Segment {
  uint64_t vaddr, paddr, size, offset /* from the first byte of memory in the file */;
};

// In the order of /proc/vmcore: the kernel's image, then all of memory.
std::vector<Segment> segments(const GuestKernel& kernel) {
  const GuestMemory& memory = kernel.memory();
  const uint64_t low = memory.low().size(), high = memory.high().size();
  const uint64_t map = kernel.direct_map();
  std::vector<Segment> out;
  const uint64_t text = kernel.symbol("_text"), end = kernel.symbol("_end");
  const auto at = text != 0 ? kernel.physical(text) : std::nullopt;
  if (at && end > text && *at < low && end - text <= low - *at)
    out.push_back({text, *at, end - text, *at});
  out.push_back({map, 0, low, 0});
  if (high != 0) out.push_back({map + GuestMemory::kHighBase, GuestMemory::kHighBase, high, low});
  return out;
}

// Everything before the memory itself.
std::string elf_head(const GuestKernel& kernel, const CpuState& cpu, pid_t pid) {
  std::string notes;
  append_note(notes, "CORE", NT_PRSTATUS, status_of(cpu, pid));
  append_note(notes, "VMCOREINFO", 0, kernel.vmcoreinfo());
  const auto loads = segments(kernel);
  const size_t notes_at = sizeof(Elf64_Ehdr) + (1 + loads.size()) * sizeof(Elf64_Phdr);
  const size_t memory_at = (notes_at + notes.size() + kPage - 1) / kPage * kPage;
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = uint16_t(1 + loads.size());
  std::string out;
  append(out, header);
  append(out, Elf64_Phdr{PT_NOTE, 0, notes_at, 0, 0, notes.size(), notes.size(), 4});
  for (const Segment& s : loads)
    append(out, Elf64_Phdr{PT_LOAD, PF_R | PF_W | PF_X, memory_at + s.offset, s.vaddr, s.paddr,
                           s.size, s.size, kPage});
  out += notes;
  out.resize(memory_at, '\0');
  return out;
}

bool is_zero(std::span<const std::byte> page) {
  return std::ranges::all_of(page, [](std::byte b) { return b == std::byte{0}; });
}

Result<void> write_at(int fd, std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("write a memory dump");
    bytes = bytes.subspan(size_t(n));
    offset += uint64_t(n);
  }
  return {};
}

Result<void> write_sparse(int fd, std::span<const std::byte> bytes, uint64_t offset) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = std::min(kPage, bytes.size() - at);
    if (is_zero(bytes.subspan(at, size))) {
      at += size;
      continue;
    }
    size_t end = at + size;
    while (end < bytes.size() && end - at < kChunk &&
           !is_zero(bytes.subspan(end, std::min(kPage, bytes.size() - end))))
      end = std::min(end + kPage, bytes.size());
    if (auto ok = write_at(fd, bytes.subspan(at, end - at), offset + at); !ok) return ok;
    at = end;
  }
  return {};
}

Result<void> write_dump(int fd, const std::string& head, const GuestKernel& kernel,
                        DumpFormat format) {
  const GuestMemory& memory = kernel.memory();
  const bool raw = format == DumpFormat::kRaw;
  const uint64_t high_at = raw ? GuestMemory::kHighBase : head.size() + memory.low().size();
  const uint64_t size =
      memory.high().empty() ? head.size() + memory.low().size() : high_at + memory.high().size();
  if (::ftruncate(fd, off_t(size)) < 0) return fail_errno("write a memory dump");
  if (auto ok = write_at(fd, std::as_bytes(std::span(head)), 0); !ok) return ok;
  if (auto ok = write_sparse(fd, memory.low(), head.size()); !ok) return ok;
  return write_sparse(fd, memory.high(), high_at);
}

}  // namespace

Result<void> dump_memory(const std::string& path, DumpFormat format, const GuestKernel& kernel,
                         const CpuState& cpu, pid_t pid) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno("create " + path);
  const std::string head = format == DumpFormat::kElf ? elf_head(kernel, cpu, pid) : std::string();
  auto written = write_dump(fd.get(), head, kernel, format);
  if (!written)
    written = fail(written.error().code, path + ": " + written.error().what, written.error().sys);
  if (written && ::rename(temporary.c_str(), path.c_str()) < 0)
    written = fail_errno("rename to " + path);
  // What a guest's memory holds is the caller's own affair: the mode stays 0600.
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace fptrace::emu
