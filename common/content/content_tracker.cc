#include "common/content/content_tracker.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/base/block_all_signals.h"
#include "common/base/unique_fd.h"
#include "common/content/open_to_read.h"
#include "common/content/stat_ref.h"

namespace fptrace {
namespace {

bool is_regular(const FileRef& f) { return f.exists() && S_ISREG(f.mode); }
// The kernel makes these up as they are read: there is no content to depend on.
bool is_made_up(const FileRef& f) {
  return f.path.starts_with("/proc/") || f.path.starts_with("/sys/");
}
// A file that never had a name: whoever wrote it, it is what was run or loaded.
bool is_memfd(const FileRef& f) { return f.path.starts_with("memfd:"); }
bool reads(uint32_t flags) { return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY; }
bool writes(uint32_t flags) {
  return (flags & O_PATH) == 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));
}

std::string proc(const Event& e) { return "/proc/" + std::to_string(e.process.pid) + "/"; }

}  // namespace

ContentTracker::ContentTracker(unsigned threads, const InputStore* store, ContentSource& source)
    : store_(store), source_(source), threads_wanted_(threads) {
  start_threads(threads, false);
}

ContentTracker::~ContentTracker() {
  for (auto& t : threads_) t.request_stop();
  changed_.notify_all();
}

void ContentTracker::observe(const Event& event) {
  match(
      event,
      [&](const OpenEvent& e) {
        if (e.error != 0 || !is_regular(e.at.file)) return;
        const std::string fd = e.fd >= 0 ? proc(event) + "fd/" + std::to_string(e.fd) : "";
        if (!e.created && reads(e.flags)) read(e.at.file, fd);
        if (e.created || writes(e.flags)) written(e.at.file);
      },
      [&](const FdEvent& e) {
        if (!is_regular(e.file)) return;
        if (reads(e.flags)) read(e.file, proc(event) + "fd/" + std::to_string(e.fd));
        // Open for writing before we came: nothing will announce the first change. Read it now.
        if (writes(e.flags)) {
          before_change(e.file, (e.flags & O_APPEND) == 0);
          written(e.file);
        }
      },
      [&](const ExecEvent& e) {
        if (e.error != 0) return;
        const Lookup& binary = e.interpreters.empty() ? e.program : e.interpreters.back();
        for (const Lookup* l : {&e.program, &e.loader}) {
          read(l->file, l == &binary ? proc(event) + "exe" : "");
        }
        for (const Lookup& l : e.interpreters)
          read(l.file, &l == &binary ? proc(event) + "exe" : "");
      },
      [&](const MmapEvent& e) { read(e.file, ""); },
      [&](const PathEvent& e) {
        if (e.error == 0 && e.op == PathOp::kTruncate) written(e.at.file);
      },
      [&](const RenameEvent& e) { renamed(e); }, [](const auto&) {});
}

void ContentTracker::read(const FileRef& file, const std::string& other_reach) {
  if (!is_regular(file) || is_made_up(file)) return;
  const auto [it, is_new] = entries_.try_emplace(Identity{file.dev, file.ino});
  Entry& entry = it->second;
  const bool own_memfd = is_memfd(file) && entry.state == State::kOwn && !other_reach.empty();
  if (!is_new && !own_memfd) return;
  entry.state = State::kQueued;
  entry.file = file;
  entry.reach = source_.leads_to(file.path, file)     ? file.path
                : source_.leads_to(file.source, file) ? file.source
                : !other_reach.empty()                ? other_reach
                                                      : file.path;
  const std::scoped_lock lock(mutex_);
  Job job{entry.job = ++next_job_, ContentStage::kInput, file, entry.reach, {}};
  // Not reachable by a name of its own: only the process has it, so take hold of it at once.
  if (!other_reach.empty() && entry.reach == other_reach) job.held = source_.hold(other_reach);
  queue_.push_back(std::move(job));
  changed_.notify_one();
}

void ContentTracker::written(const FileRef& file) {
  Entry& entry = entries_[Identity{file.dev, file.ino}];
  if (entry.state != State::kQueued || entry.job == 0) entry.state = State::kOwn;
  // The name under which it was read names the new content, too.
  const std::string& read_as = entry.file.path;
  if (!entry.renamed && !read_as.empty() && read_as[0] == '/')
    outputs_.try_emplace(read_as, entry.reach);
  if (!file.path.empty() && file.path[0] == '/')
    outputs_.try_emplace(file.path, file.source.empty() ? file.path : file.source);
}

void ContentTracker::renamed(const RenameEvent& e) {
  if (e.error != 0 || e.to.file.path.empty()) return;
  if (e.op != RenameOp::kLink) follow(e.from, e.to);
  if (e.op == RenameOp::kExchange) follow(e.to, e.from);
  const std::string &from = e.from.file.path, &to = e.to.file.path;
  if (S_ISREG(e.from.file.mode)) outputs_.try_emplace(to, to);
  if (e.op == RenameOp::kExchange && S_ISREG(e.to.file.mode)) outputs_.try_emplace(from, from);
  if (!S_ISDIR(e.from.file.mode)) return;
  // Everything written below the directory has a new name.
  std::vector<std::string> moved;
  for (auto it = outputs_.lower_bound(from + "/");
       it != outputs_.end() && it->first.starts_with(from + "/"); ++it)
    moved.push_back(to + it->first.substr(from.size()));
  for (auto& path : moved) outputs_.try_emplace(path, path);
}

// What waits to be hashed is to be found under its new name from now on.
void ContentTracker::follow(const Lookup& from, const Lookup& to) {
  const std::string& new_path = to.file.source.empty() ? to.file.path : to.file.source;
  const std::string& old_path = from.file.source.empty() ? from.file.path : from.file.source;
  if (!S_ISDIR(from.file.mode)) {
    const auto it = entries_.find(Identity{from.file.dev, from.file.ino});
    if (it == entries_.end() || it->second.reach != old_path) return;
    it->second.reach = new_path;
    it->second.renamed = true;
    return;
  }
  const std::string below = old_path + "/";
  for (auto& [id, entry] : entries_) {
    if (!entry.reach.starts_with(below)) continue;
    entry.reach.replace(0, old_path.size(), new_path);
    entry.renamed = true;
  }
}

void ContentTracker::before_change(const FileRef& file, bool keeps_content) {
  if (!is_regular(file) || is_made_up(file)) return;
  const Identity id{file.dev, file.ino};
  auto it = entries_.find(id);
  if (it == entries_.end()) {
    if (!keeps_content) return;
    read(file, "");
    it = entries_.find(id);
  }
  Entry& entry = it->second;
  if (entry.state != State::kQueued) return;
  entry.state = State::kHashed;
  if (store_ != nullptr) save(entry);
  Job job{entry.job, ContentStage::kInput, entry.file, entry.reach, {}};
  {
    // Waiting for an idle-priority thread could take for ever on a busy machine: do it here, and
    // drop what that thread may bring.
    const std::scoped_lock lock(mutex_);
    const auto queued = std::find_if(queue_.begin(), queue_.end(),
                                     [&](const Job& j) { return j.number == entry.job; });
    if (queued != queue_.end()) {
      job = std::move(*queued);
      queue_.erase(queued);
    } else if (const auto dropped = dropped_.find(entry.job); dropped != dropped_.end()) {
      dropped->second = true;
    } else if (lost_.erase(entry.job) == 0) {
      return;  // its result is there already
    }
  }
  job.reach = entry.reach;
  std::optional<EventBody> result = hash(job);
  const std::scoped_lock lock(mutex_);
  settle(std::move(job), std::move(result));
}

// Before a change, so what is there is what was read; a file that was changed by another program
// has no content to be saved, and hash() tells of it.
void ContentTracker::save(const Entry& entry) {
  const UniqueFd fd(open_to_read(entry.reach, O_NOFOLLOW));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return;
  const FileRef& file = entry.file;
  const bool same = st.st_dev == file.dev && st.st_ino == file.ino &&
                    uint64_t(st.st_size) == file.size && nanoseconds(st.st_mtim) == file.mtime_ns;
  if (!same || store_->save(fd.get())) return;
  const std::scoped_lock lock(mutex_);
  ready_.push_back(GapEvent{"input not saved", file.path});
}

// With mutex_ held.
void ContentTracker::settle(Job job, std::optional<EventBody> result) {
  if (result) {
    ready_.push_back(std::move(*result));
  } else {
    lost_.emplace(job.number, std::move(job));
  }
}

std::optional<EventBody> ContentTracker::hash(const Job& job) {
  return source_.hash(job.stage, job.file, job.reach, job.held.get());
}

void ContentTracker::start_threads(unsigned count, bool until_empty) {
  const BlockAllSignals block;
  for (unsigned i = 0; i < count; ++i)
    threads_.emplace_back(
        [this, until_empty](const std::stop_token& stop) { work(stop, until_empty); });
}

void ContentTracker::work(const std::stop_token& stop, bool until_empty) {
  if (!until_empty) {
    const sched_param none{};
    (void)::sched_setscheduler(0, SCHED_IDLE, &none);  // the traced program comes first
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!until_empty) changed_.wait(lock, stop, [&] { return !queue_.empty(); });
    if (stop.stop_requested() || queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    dropped_.emplace(job.number, false);
    lock.unlock();
    std::optional<EventBody> result = hash(job);
    lock.lock();
    const auto state = dropped_.extract(job.number);
    if (!state.mapped()) settle(std::move(job), std::move(result));
  }
}

void ContentTracker::take_ready(std::vector<EventBody>& out) {
  const std::scoped_lock lock(mutex_);
  for (auto& body : ready_) out.push_back(std::move(body));
  ready_.clear();
}

void ContentTracker::finish(std::vector<EventBody>& out) {
  for (const auto& [path, reach] : outputs_) {
    auto file = source_.regular_file(reach);
    if (!file) continue;
    file->path = path;
    const std::scoped_lock lock(mutex_);
    queue_.push_back({++next_job_, ContentStage::kOutput, *std::move(file), reach, {}});
  }
  outputs_.clear();
  // New threads: idle-priority ones would not get far while others compute.
  for (auto& t : threads_) t.request_stop();
  const size_t idle = threads_.size();
  start_threads(threads_wanted_, true);
  if (threads_wanted_ == 0) work({}, true);
  for (size_t i = idle; i < threads_.size(); ++i) threads_[i].join();
  threads_.clear();
  find_lost();
  take_ready(out);
}

void ContentTracker::find_lost() {
  for (auto& [number, job] : lost_) {
    const Entry& entry = entries_[Identity{job.file.dev, job.file.ino}];
    if (job.stage == ContentStage::kInput) job.reach = entry.reach;
    ready_.push_back(hash(job).value_or(GapEvent{"content not readable", job.file.path}));
  }
  lost_.clear();
}

}  // namespace fptrace
