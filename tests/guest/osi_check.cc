// osi_check RAM NOTES: compares what introspection finds in a guest's memory with what the guest's
// own /proc said at that moment (see osi_scene.c). Prints how many of how many answers agree, by
// kind, and each that does not; exits with 1 if there is one.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/osi/guest_file_system.h"
#include "backends/emu/osi/guest_tasks.h"
#include "backends/emu/osi/open_files.h"

namespace fptrace::emu {
namespace {

struct Note {
  char kind;
  std::string path, bytes;
};

std::vector<Note> parse_notes(std::istream& in) {
  std::vector<Note> notes;
  size_t path_size = 0, size = 0;
  Note note{};
  while (in >> note.kind >> path_size >> size && in.get() == '\n') {
    note.path.resize(path_size);
    note.bytes.resize(size);
    in.read(note.path.data(), std::streamsize(path_size));
    in.read(note.bytes.data(), std::streamsize(size));
    if (in.get() != '\n') return {};
    notes.push_back(note);
  }
  return notes;
}

// Counts by kind, and says what differs.
class Score {
 public:
  void compare(const std::string& kind, const std::string& what, const std::string& guest,
               const std::string& found) {
    auto& [agree, all] = counts_[kind];
    ++all;
    if (guest == found) {
      ++agree;
    } else {
      std::printf("%s %s:\n  the guest says %s\n  found          %s\n", kind.c_str(), what.c_str(),
                  guest.c_str(), found.c_str());
    }
  }
  // Prints the counts; whether all agree.
  bool report() const {
    bool good = !counts_.empty();
    for (const auto& [kind, count] : counts_) {
      std::printf("%-14s %zu of %zu\n", kind.c_str(), count.first, count.second);
      good = good && count.first == count.second;
    }
    return good;
  }

 private:
  std::map<std::string, std::pair<size_t, size_t>> counts_;
};

// As the kernel writes it in links and maps.
std::string kernel_text(const PlaceName& name) {
  return (name.path.starts_with("memfd:") ? "/" : "") + name.path +
         (name.deleted ? " (deleted)" : "");
}
std::string kernel_text(const GuestNames& names, Place place) {
  const auto name = names.name(place);
  return name ? kernel_text(*name) : "(nothing)";
}

std::string join(const std::vector<std::string>& strings) {
  std::string text;
  for (const std::string& s : strings) text.append(s).append(1, '\0');
  return text;
}

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%lx", value);
  return text;
}

// A line of `status` without its name: "1 2 3".
std::string status_line(const std::string& status, const std::string& name) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    std::istringstream words(line.substr(name.size() + 1));
    std::string out;
    for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
    return out;
  }
  return "(no " + name + ")";
}

class Check {
 public:
  Check(const GuestKernel& kernel, Place root)
      : kernel_(kernel), tasks_(kernel), names_(kernel, root), fs_(names_, root, overlays_) {}

  bool run(const std::vector<Note>& notes) {
    // A task that went while the notes were taken may have a name left, but no state. Threads of
    // the kernel come and go as it likes.
    for (const Note& note : notes)
      if (note.kind == 'F' && note.path.ends_with("/stat") && !is_kernel_thread_gone(note))
        noted_.insert(note.path.substr(0, note.path.rfind('/') + 1));
    for (const Note& note : notes) take(note);
    check_lists();
    return score_.report();
  }

 private:
  // By the flags in its stat: PF_KTHREAD.
  bool is_kernel_thread_gone(const Note& note) const {
    unsigned flags = 0;
    std::sscanf(note.bytes.c_str() + note.bytes.rfind(')') + 1, " %*c %*d %*d %*d %*d %*d %u",
                &flags);
    return (flags & 0x200000) != 0 && tasks_.find_process(std::atoi(note.bytes.c_str())) == 0;
  }

  void take(const Note& note) {
    pid_t pid = 0, tid = 0;
    std::string rest;
    if (!split_proc(note.path, pid, tid, rest)) return take_tree(note);
    if (!noted_.contains(note.path.substr(0, note.path.size() - rest.size()))) return;
    auto& threads = seen_[pid];
    if (tid != 0) threads.insert(tid);
    const uint64_t process = tasks_.find_process(pid);
    const uint64_t task = tid == 0 ? process : tasks_.find_thread(process, tid);
    if (task == 0) return score_.compare("task", note.path, "there", "not there");
    take_task(note, task, tid != 0, rest);
  }

  // "/proc/1/task/2/fd/3" -> 1, 2, "fd/3".
  static bool split_proc(const std::string& path, pid_t& pid, pid_t& tid, std::string& rest) {
    int used = 0;
    if (std::sscanf(path.c_str(), "/proc/%d/task/%d/%n", &pid, &tid, &used) == 2 && used != 0) {
      rest = path.substr(size_t(used));
      return true;
    }
    tid = 0;
    if (std::sscanf(path.c_str(), "/proc/%d/%n", &pid, &used) != 1 || used == 0) return false;
    rest = path.substr(size_t(used));
    return true;
  }

  void take_task(const Note& note, uint64_t task, bool is_thread, const std::string& rest) {
    const auto compare = [&](const std::string& kind, const std::string& guest,
                             const std::string& found) {
      score_.compare(kind, note.path, guest, found);
    };
    const AddressSpace space(names_, kernel_.pointer(task, kernel_.layout().task.mm));
    const std::string name = rest.substr(rest.rfind('/') + 1);
    if (rest == "stat" && note.kind == 'F') return take_stat(note, task, is_thread);
    if (rest == "status") return take_status(note, task);
    if (rest == "maps") return take_maps(note, space);
    if (rest == "cmdline") return compare("cmdline", note.bytes, join(space.arguments()));
    if (rest == "environ") return compare("environ", note.bytes, join(space.environment()));
    if (rest.starts_with("ns/")) return compare("ns", note.bytes, namespace_link(task, name));
    if (rest.starts_with("fdinfo/")) {
      const uint32_t flags = OpenFiles(names_, task).flags(std::stoi(name));
      char text[20];
      std::snprintf(text, sizeof text, "0%o", flags);
      compare("fd flags", status_line(note.bytes, "flags"), text);
      const auto file = OpenFiles(names_, task).reference(std::stoi(name));
      return compare("fd mount", status_line(note.bytes, "mnt_id"),
                     file ? std::to_string(file->mount) : file.error().what);
    }
    Place place;
    std::string kind = rest;
    if (rest == "cwd") place = names_.cwd_of(task);
    if (rest == "root") place = names_.root_of(task);
    if (rest == "exe") place = space.executable();
    if (rest.starts_with("fd/")) {
      place = names_.place_of_file(OpenFiles(names_, task).file(std::stoi(name)));
      kind = "fd";
    }
    if (note.kind == 'L') compare(kind, note.bytes, kernel_text(names_, place));
    if (note.kind == 'S' && place) compare(kind + " stat", note.bytes, stat_text(place));
  }

  void take_stat(const Note& note, uint64_t task, bool is_thread) {
    const auto info = tasks_.info(task);
    if (!info) return score_.compare("stat", note.path, "there", "not readable");
    const size_t open = note.bytes.find('('), close = note.bytes.rfind(')');
    std::vector<std::string> fields;
    std::istringstream words(note.bytes.substr(close + 1));
    for (std::string word; words >> word;) fields.push_back(word);
    std::string comm;  // fs/proc/array.c escapes newlines and backslashes
    for (size_t i = open + 1; i < close; ++i) {
      if (note.bytes[i] == '\\')
        comm += note.bytes[++i] == 'n' ? '\n' : '\\';
      else
        comm += note.bytes[i];
    }
    const auto field = [&](size_t number) { return fields.at(number - 3); };  // as proc(5) counts
    // The kernel shows more than the 15 bytes of some of its own threads' names.
    if (info->kernel_thread && comm.starts_with(info->comm)) comm = info->comm;
    const std::string guest =
        note.bytes.substr(0, open) + comm + " " + field(4) + " " + field(20) + " " + field(22);
    std::ostringstream found;
    found << (is_thread ? info->tid : info->pid) << " " << info->comm << " " << info->parent << " "
          << tasks_.thread_count(task) << " " << info->boot_time / 10'000'000;
    score_.compare("stat", note.path, guest, found.str());
  }

  void take_status(const Note& note, uint64_t task) {
    const auto c = tasks_.credentials(task);
    if (!c) return score_.compare("ids", note.path, "there", "not readable");
    const auto text = [](std::initializer_list<uint32_t> ids) {
      std::string out;
      for (const uint32_t id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
      return out;
    };
    std::string groups;
    for (const uint32_t id : c->groups) groups += (groups.empty() ? "" : " ") + std::to_string(id);
    score_.compare("ids", note.path,
                   status_line(note.bytes, "Uid") + ", " + status_line(note.bytes, "Gid") + ", " +
                       status_line(note.bytes, "Groups"),
                   text({c->uid, c->euid, c->suid, c->fsuid}) + ", " +
                       text({c->gid, c->egid, c->sgid, c->fsgid}) + ", " + groups);
  }

  std::string map_line(const AddressSpace& space, const GuestMapping& m) const {
    FileRef file;
    if (m.file != 0) file = names_.properties(kernel_.pointer(m.file, kernel_.layout().file.inode));
    std::string name = kernel_text(space.name(m));
    for (size_t at = 0; (at = name.find('\n', at)) != std::string::npos;)
      name.replace(at, 1, "\\012");
    std::ostringstream out;
    out << hex(m.begin) << "-" << hex(m.end) << " " << (m.readable ? 'r' : '-')
        << (m.writable ? 'w' : '-') << (m.executable ? 'x' : '-') << (m.shared ? 's' : 'p') << " "
        << hex(m.file_offset) << " " << file.dev << " " << file.ino << " " << name;
    return out.str();
  }

  static std::string map_line(const std::string& line) {
    unsigned long begin = 0, end = 0, offset = 0, ino = 0;
    unsigned major = 0, minor = 0;
    char permissions[5] = "";
    int used = 0;
    std::sscanf(line.c_str(), "%lx-%lx %4s %lx %x:%x %lu %n", &begin, &end, permissions, &offset,
                &major, &minor, &ino, &used);
    std::ostringstream out;
    out << hex(begin) << "-" << hex(end) << " " << permissions << " " << hex(offset) << " "
        << makedev(major, minor) << " " << ino << " " << line.substr(size_t(used));
    return out.str();
  }

  void take_maps(const Note& note, const AddressSpace& space) {
    const auto mappings = space.mappings();
    std::istringstream lines(note.bytes);
    size_t i = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with("[vsyscall]")) continue;  // no mapping: the kernel adds it to the text
      const std::string what = note.path + " " + std::to_string(++i);
      if (i > mappings.size()) {
        score_.compare("maps", what, map_line(line), "(no more)");
        continue;
      }
      const GuestMapping& m = mappings[i - 1];
      score_.compare("maps", what, map_line(line), map_line(space, m));
      const auto again = space.mapping_at(m.end - 1);
      score_.compare("mapping at", what, hex(m.vma), again ? hex(again->vma) : "(nothing)");
    }
    score_.compare("maps", note.path + " count", std::to_string(i),
                   std::to_string(mappings.size()));
  }

  std::string namespace_link(uint64_t task, const std::string& name) const {
    const Namespaces n = tasks_.namespaces(task);
    const std::map<std::string, uint32_t> all = {
        {"cgroup", n.cgroup}, {"ipc", n.ipc},
        {"mnt", n.mnt},       {"net", n.net},
        {"pid", n.pid},       {"pid_for_children", n.pid_for_children},
        {"time", n.time},     {"time_for_children", n.time},
        {"user", n.user},     {"uts", n.uts}};
    const std::string kind = name.substr(0, name.find("_for_"));
    const auto it = all.find(name);
    return kind + ":[" + (it != all.end() ? std::to_string(it->second) : "?") + "]";
  }

  std::string stat_text(Place place) const {
    const auto f = names_.file(place);
    if (!f) return "(nothing)";
    const uint64_t inode = kernel_.pointer(place.dentry, kernel_.layout().dentry.inode);
    const auto id = [&](Member m) { return unsigned(kernel_.number(inode, m).value_or(0)); };
    char text[300];
    std::snprintf(text, sizeof text, "%lu %lu %o %u %ld %u %u %ld %ld", f->dev, f->ino, f->mode,
                  f->nlink, long(f->size), id(kernel_.layout().inode.uid),
                  id(kernel_.layout().inode.gid), f->mtime_ns, f->ctime_ns);
    return text;
  }

  // Notes about files by path.
  void take_tree(const Note& note) {
    if (note.path == "/proc") return;  // its size and links are made up at each question
    if (note.kind == 'S') {
      const auto place = fs_.find(note.path);
      score_.compare("lstat", note.path, note.bytes,
                     place ? stat_text(*place) : place.error().what);
    } else if (note.kind == 'E') {
      const auto file = fs_.lstat(note.path);
      score_.compare("missing", note.path, note.bytes,
                     file ? "there" : std::to_string(file.error().sys));
    } else if (note.kind == 'L') {
      const auto target = fs_.readlink(note.path);
      score_.compare("readlink", note.path, note.bytes, target ? *target : target.error().what);
    } else if (note.kind == 'F') {
      const auto content = fs_.read_head(note.path, note.bytes.size() + 1);
      score_.compare("content", note.path, note.bytes, content ? *content : content.error().what);
    }
  }

  // Both ways: what was found must have been in /proc, too.
  void check_lists() {
    std::set<pid_t> found;
    for (const uint64_t task : tasks_.processes()) {
      const auto info = tasks_.info(task);
      if (!info || (info->kernel_thread && !seen_.contains(info->pid))) continue;
      found.insert(info->pid);
      std::string threads, noted;
      std::set<pid_t> tids;
      for (const uint64_t thread : tasks_.threads(task))
        if (const auto t = tasks_.info(thread)) tids.insert(t->tid);
      for (const pid_t tid : tids) threads += std::to_string(tid) + " ";
      for (const pid_t tid : seen_[info->pid]) noted += std::to_string(tid) + " ";
      score_.compare("threads", std::to_string(info->pid), noted, threads);
    }
    for (const auto& [pid, tids] : seen_)
      score_.compare("processes", std::to_string(pid), "there",
                     found.contains(pid) ? "there" : "not there");
  }

  const GuestKernel& kernel_;
  GuestTasks tasks_;
  GuestNames names_;
  const Overlays overlays_;  // none
  GuestFileSystem fs_;
  Score score_;
  std::set<std::string> noted_;            // "/proc/1/", "/proc/1/task/1/"
  std::map<pid_t, std::set<pid_t>> seen_;  // by /proc
};

int run(const char* ram, const char* notes_path) {
  const auto memory = GuestMemory::open(ram);
  if (!memory) return std::printf("%s\n", memory.error().what.c_str()), 1;
  const auto kernel = GuestKernel::find(*memory);
  if (!kernel) return std::printf("%s\n", kernel.error().what.c_str()), 1;
  std::ifstream in(notes_path, std::ios::binary);
  const auto notes = parse_notes(in);
  if (notes.empty()) return std::printf("%s: not to be read\n", notes_path), 1;
  std::printf("kernel %s\n", kernel->release().c_str());
  const uint64_t init = GuestTasks(*kernel).find_process(1);
  // Whoever wrote the notes was running.
  if (kernel->current_of_first_cpu() != init) return std::printf("current is not init\n"), 1;
  return Check(*kernel, GuestNames(*kernel, {}).root_of(init)).run(notes) ? 0 : 1;
}

}  // namespace
}  // namespace fptrace::emu

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: osi_check RAM NOTES\n"), 2;
  return fptrace::emu::run(argv[1], argv[2]);
}
