#include "backends/emu/tracer/coverage_observer.h"

#include <algorithm>
#include <limits>

#include "backends/emu/tracer/new_life.h"
#include "common/syscall/table.h"

namespace fptrace::emu {
namespace {

// After which other code may lie at an address.
constexpr const char* kRemapping[] = {"mmap", "mmap2", "munmap", "mremap", "execve", "execveat"};

bool remaps(const Sight& sight, GuestThread& thread) {
  const StopRecord& stop = sight.stop();
  const SyscallCall call = call_of(stop.cpu, EntryKind(stop.detail), thread.view);
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  return row && std::ranges::count(kRemapping, row->name) > 0;
}

// All pieces of one object have this in common.
bool same_file(const MemoryRegion& a, const MemoryRegion& b) {
  return a.dev == b.dev && a.ino == b.ino && a.path == b.path;
}

}  // namespace

Result<void> CoverageObserver::kernel_found(Channel& channel, const GuestKernel&) {
  for (const char* name : kRemapping) {
    const SyscallRow* row = find_syscall(name);
    for (uint32_t abi = 0; row && abi < std::size(row->nr); ++abi)
      if (row->nr[abi] >= 0) channel.set_interesting(abi, uint32_t(row->nr[abi]));
  }
  return {};
}

Result<Observer::Next> CoverageObserver::program_begins(const Sight& sight) {
  Request request{};
  request.kind = uint32_t(RequestKind::kCoverage);
  if (auto ok = sight.channel.ask(request); !ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<Observer::Next> CoverageObserver::stopped(const Sight& sight) {
  take_reports(sight);
  const StopRecord& stop = sight.stop();
  GuestThread* const thread = sight.threads.find(stop.task);
  if (thread && stop.kind == StopKind::kSyscall && remaps(sight, *thread))
    processes_[thread->process->key].stale = true;
  if (auto ok = tell_new_lives(sight); !ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<void> CoverageObserver::program_ended(const Sight& sight) {
  take_reports(sight);
  return {};
}

void CoverageObserver::take_reports(const Sight& sight) {
  for (const Report& report : sight.channel.reports())
    if (report.kind == uint32_t(ReportKind::kBlock)) add(sight, report);
}

const MemoryRegion* CoverageObserver::region_at(GuestThread& thread, Collected& process,
                                                uint64_t vaddr) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (process.stale) {
      process.stale = false;
      auto regions = thread.view.memory_map();
      process.regions = regions ? *std::move(regions) : std::vector<MemoryRegion>();
    }
    const auto above = std::ranges::upper_bound(process.regions, vaddr, {}, &MemoryRegion::begin);
    if (above != process.regions.begin() && vaddr < std::prev(above)->end)
      return &*std::prev(above);
    process.stale = true;  // it was mapped in a way that nobody told of: the stack grew, say
  }
  return nullptr;
}

// From where the file's beginning is mapped, if it is, to the last piece of the file behind it.
DrcovModule CoverageObserver::module_of(const Collected& process, const MemoryRegion& region) {
  DrcovModule module{region.path.empty() ? "[anonymous]" : region.path, region.begin, region.end};
  if (region.ino == 0) return module;
  const auto& all = process.regions;
  auto first = all.begin() + (&region - all.data()), last = first;
  const auto at = first;
  for (auto it = at; it->offset != 0 && it != all.begin();) {
    --it;
    if (!same_file(*it, region)) continue;
    if (it->offset >= first->offset) break;  // mapped twice
    first = it;
    if (it->offset == 0) break;
  }
  for (auto it = at + 1; it != all.end(); ++it) {
    if (!same_file(*it, region)) continue;
    if (it->offset < last->offset || it->offset == 0) break;
    last = it;
  }
  module.base = first->begin;
  module.end = last->end;
  return module;
}

void CoverageObserver::add(const Sight& sight, const Report& report) {
  GuestThread* const thread = sight.threads.find(report.task);
  if (!thread) return;
  Collected& process = processes_[thread->process->key];
  if (process.stale)
    if (const auto info = sight.guest.tasks().info(report.task)) process.name = info->comm;
  const MemoryRegion* const region = region_at(*thread, process, report.vaddr);
  if (!region) {
    ++left_out_;
    return;
  }
  DrcovModule module = module_of(process, *region);
  const auto [number, fresh] = process.numbers.try_emplace(
      {module.base, module.path}, uint16_t(std::min<size_t>(process.modules.size(), UINT16_MAX)));
  if (fresh) process.modules.push_back(module);
  DrcovModule& known = process.modules[number->second];
  known.end = std::max(known.end, module.end);  // a library is mapped piece by piece
  const uint64_t offset = report.vaddr - module.base;
  if (offset > std::numeric_limits<uint32_t>::max() || process.modules.size() > UINT16_MAX) {
    ++left_out_;
    return;
  }
  process.blocks.insert({uint32_t(offset), uint16_t(report.detail), number->second});
}

std::vector<CoverageObserver::Process> CoverageObserver::processes() const {
  std::vector<Process> out;
  for (const auto& [key, process] : processes_) {
    if (process.blocks.empty()) continue;
    out.push_back(
        {key, process.name, process.modules, {process.blocks.begin(), process.blocks.end()}});
  }
  return out;
}

}  // namespace fptrace::emu
