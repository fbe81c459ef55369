#include "backends/emu/osi/guest_view.h"

#include "backends/emu/osi/guest_tasks.h"

namespace fptrace::emu {
namespace {

constexpr size_t kMostForeign = 256;  // kept; others are made anew

}  // namespace

Place GuestView::root_of_init(const GuestKernel& kernel) {
  return GuestNames(kernel, {}).root_of(GuestTasks(kernel).find_process(1));
}

void GuestView::remembers_all() {
  remembered_ = kernel().pointer(names_.root().dentry, kernel().layout().dentry.sb);
  own_.remembers_all_of(remembered_);
  for (auto& [address, foreign] : foreign_) foreign.files->remembers_all_of(remembered_);
}

GuestFileSystem& GuestView::file_system_of(uint64_t task) {
  const auto& layout = kernel().layout();
  const uint64_t proxy = kernel().pointer(task, layout.task.nsproxy);
  const uint64_t ns = kernel().pointer(proxy, layout.ns.mnt_ns);
  if (ns == 0 || ns == kernel().pointer(names_.root().mount, layout.mount.ns)) return own_;
  const uint64_t number = kernel().number(ns, layout.ns.mnt_inum).value_or(0);
  const auto known = foreign_.find(ns);
  if (known != foreign_.end() && known->second.number == number) return *known->second.files;
  if (foreign_.size() >= kMostForeign) foreign_.clear();
  const uint64_t top = kernel().pointer(ns, layout.ns.mnt_root);
  const Place start{top, kernel().pointer(top, layout.mount.root)};
  Foreign& made = foreign_[ns];
  made = {number, std::make_unique<GuestFileSystem>(names_, start, overlays_)};
  made.files->remembers_all_of(remembered_);
  return *made.files;
}

}  // namespace fptrace::emu
