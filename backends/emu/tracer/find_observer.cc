#include "backends/emu/tracer/find_observer.h"

#include <algorithm>
#include <cstring>

#include "backends/emu/tracer/new_life.h"

namespace fptrace::emu {
namespace {

constexpr size_t kMostFrames = 32;

}  // namespace

Result<Observer::Next> FindObserver::program_begins(const Sight& sight) {
  Request request{};
  request.kind = uint32_t(RequestKind::kFind);
  request.args[0] = options_.bytes.size();
  request.args[1] = options_.most_places;
  const auto mail = sight.channel.mail();
  std::memcpy(mail.data(), options_.bytes.data(), std::min(mail.size(), options_.bytes.size()));
  if (auto ok = sight.channel.ask(request); !ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<Observer::Next> FindObserver::stopped(const Sight& sight) {
  const auto reports = sight.channel.reports();
  if (sight.stop().kind == StopKind::kFound && !reports.empty()) add(sight, reports.back());
  if (auto ok = tell_new_lives(sight); !ok) return fail(ok.error());
  return Next::kGoOn;
}

void FindObserver::add(const Sight& sight, const Report& report) {
  Place place;
  place.write = (report.detail & kFoundWrite) != 0;
  place.kernel = (report.detail & kFoundKernelCode) != 0;
  place.pc = report.vaddr;
  place.instructions = sight.instructions();
  place.vaddr = report.values[0];
  place.paddr = report.values[1];
  if (const auto info = sight.guest.tasks().info(report.task)) {
    place.pid = info->pid;
    place.tid = info->tid;
    place.name = info->comm;
    const auto saved = place.kernel && !info->kernel_thread
                           ? sight.guest.saved_registers(report.task)
                           : std::nullopt;
    if (!place.kernel)
      place.stack = stacks_.stack(sight.guest, *info, sight.stop().cpu, kMostFrames);
    else if (saved)
      place.stack = stacks_.stack(sight.guest, *info, user_state(*saved), kMostFrames);
  }
  index_[{report.values[2], report.vaddr, report.detail}] = places_.size();
  places_.push_back(std::move(place));
}

Result<void> FindObserver::program_ended(const Sight& sight) {
  Request request{};
  do {
    const uint64_t from = request.args[0] + request.reply[1];
    request = {};
    request.kind = kFindCounts;
    request.args[0] = from;
    if (auto ok = sight.channel.ask(request); !ok) return ok;
    for (uint64_t i = 0; i < request.reply[1]; ++i) {
      FindCount count;
      std::memcpy(&count, sight.channel.mail().data() + i * sizeof count, sizeof count);
      hits_ += count.hits;
      const auto known = index_.find({count.life, count.pc, count.flags});
      if (known == index_.end())
        ++other_places_;
      else
        places_[known->second].hits = count.hits;
    }
  } while (request.reply[1] > 0 && request.args[0] + request.reply[1] < request.reply[0]);
  name_kernel_code(sight.guest.kernel());
  return {};
}

void FindObserver::name_kernel_code(const GuestKernel& kernel) {
  std::set<uint64_t> addresses;
  for (const Place& place : places_)
    if (place.kernel) addresses.insert(place.pc);
  if (addresses.empty()) return;
  const auto names = kernel.name_code(addresses);
  for (Place& place : places_)
    if (const auto it = names.find(place.pc); place.kernel && it != names.end())
      place.function = it->second;
}

}  // namespace fptrace::emu
