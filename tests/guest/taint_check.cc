// taint_check RUN.fpr MODE: replays a recording under the plugin and acts on what the program in it
// says (see taint_guest.h). Prints each expectation that is not met, how many of how many were,
// what the plugin counted, and the seconds that passed and those that QEMU used of processors.
// MODE:
//   bare      without the plugin          plugin   with it, but without taint
//   idle      nothing is labelled         labels   as the program says
//   checked   the same, and each translation of an address is compared with QEMU's
//   pointers  the same with the policy for pointers
//   all       all of memory in use has one label from the program's beginning
// With "/interpreted" behind it, no block is compiled.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/emu/channel/channel.h"
#include "backends/emu/channel/taint_wire.h"
#include "backends/emu/guest/marker.h"
#include "backends/emu/osi/guest_kernel.h"
#include "backends/emu/osi/guest_memory.h"
#include "backends/emu/recording/machine_run.h"
#include "backends/emu/tracer/emu_tracer.h"

namespace fptrace::emu {
namespace {

std::string text_of(const std::vector<TaintRun>& runs) {
  if (runs.empty()) return "-";
  std::string text;
  for (const TaintRun& run : runs) {
    text += (text.empty() ? "" : ",") + std::to_string(run.first);
    if (run.last != run.first) text += "-" + std::to_string(run.last);
  }
  const bool single = runs.size() == 1 && runs[0].first == runs[0].last;
  return single ? text : "{" + text + "}";
}

// "0..99 -*2 {1,3-4}*8": labels that go up, and repeated ones.
std::string text_of(const std::vector<std::vector<TaintRun>>& bytes) {
  const auto single = [&](size_t i) -> std::optional<uint32_t> {
    if (bytes[i].size() != 1 || bytes[i][0].first != bytes[i][0].last) return std::nullopt;
    return bytes[i][0].first;
  };
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    size_t rising = i + 1, equal = i + 1;
    while (rising < bytes.size() && single(i) && single(rising) == *single(i) + (rising - i))
      ++rising;
    const std::string set = text_of(bytes[i]);
    while (equal < bytes.size() && text_of(bytes[equal]) == set) ++equal;
    text += (text.empty() ? "" : " ") + set;
    if (rising > i + 1) text += ".." + std::to_string(*single(rising - 1));
    if (equal > i + 1) text += "*" + std::to_string(equal - i);
    i = std::max(rising, equal);
  }
  return text;
}

// Of a replay from when it goes on: the seconds that pass, and those that QEMU uses of processors.
class Stopwatch {
 public:
  explicit Stopwatch(const MachineRun& machine) : used_before_(used_by(machine)) {}
  // When it is over.
  void tell() const {
    const std::chrono::duration<double> passed = Clock::now() - start_;
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    const double in_all = double(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                          double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    std::printf("seconds %.3f\nprocessor %.3f\n", passed.count(), in_all - used_before_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double used_by(const MachineRun& machine) {
    std::ifstream file("/proc/" + std::to_string(machine.pid()) + "/stat");
    std::string text;
    std::getline(file, text);
    unsigned long user = 0, system = 0;
    std::sscanf(text.c_str() + text.rfind(')') + 1,
                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return double(user + system) / double(::sysconf(_SC_CLK_TCK));
  }

  const Clock::time_point start_ = Clock::now();
  const double used_before_;
};

class Check {
 public:
  Check(Channel& channel, const GuestMemory& memory, const std::string& mode)
      : channel_(channel),
        memory_(memory),
        mode_(mode.substr(0, mode.find('/'))),
        interpret_(mode.ends_with("/interpreted")) {}

  Result<void> run(const std::function<bool()>& call_off) {
    while (channel_.wait(call_off) == Channel::Wait::kStopped) {
      const StopRecord stop = channel_.stop();  // a request may make others
      reports_ += channel_.reports().size();
      for (const Report& report : channel_.reports()) note(report);
      channel_.clear_reports();
      if (auto ok = on_stop(stop); !ok) {
        channel_.quit();
        return ok;
      }
      channel_.clear_reports();
      channel_.resume();
      if (stop.kind == StopKind::kEnd) break;
    }
    return {};
  }

  // Whether all was as expected.
  bool tell() const {
    std::printf("expectations %u of %u met\n", met_, asked_);
    std::printf("reports %zu, fingerprint %016lx\n", reports_, fingerprint_);
    if (summary_) tell(*summary_);
    if (ended_) std::printf("instructions of the guest %lu\n", count_);
    return ended_ && met_ == asked_ && (!summary_ || summary_->wrong_translations == 0);
  }

 private:
  void note(const Report& report) {
    for (const uint64_t word :
         {uint64_t{report.kind}, report.count, report.task, report.vaddr, report.values[0]})
      fingerprint_ = (fingerprint_ ^ word) * 0x100000001b3;
  }

  Result<void> on_stop(const StopRecord& stop) {
    if (stop.kind == StopKind::kReady) return on_ready();
    if (stop.kind != StopKind::kMarker) return {};
    const auto what = Marker(uint32_t(stop.cpu.gpr[kRcx]));
    if (what == Marker::kProgramBegins && !begun_) return begin();
    if (what == Marker::kProgramEnded && begun_ && !ended_) return end();
    if (mode_ == "plugin" || mode_ == "idle" || mode_ == "all") return {};
    if (what == Marker::kLabel) return label(stop.cpu);
    if (what == Marker::kQuery) return query(stop.cpu);
    if (what == Marker::kLabelRegister) return label_register(stop.cpu);
    return {};
  }

  Result<void> on_ready() {
    const auto kernel = GuestKernel::find(memory_);
    if (!kernel) return fail(kernel.error());
    const auto current = kernel->physical(kernel->current_location());
    if (!current) return fail(Errc::kBackend, "the kernel does not tell where its current task is");
    channel_.set_current_paddr(*current);
    if (mode_ == "plugin") return {};
    TaintOptions options = kDefaultTaintOptions;
    options.check = mode_ == "checked";
    options.pointers = mode_ == "pointers";
    options.tier = interpret_ ? kTaintInterpret : kTaintTierAuto;
    std::memcpy(channel_.mail().data(), &options, sizeof options);
    return ask(TaintRequest::kOptions);
  }

  Result<void> begin() {
    begun_ = true;
    count_ = channel_.stop().count;
    if (mode_ != "all") return {};
    for (const std::vector<TaintRange>& ranges : used_memory()) {
      std::memcpy(channel_.mail().data(), ranges.data(), ranges.size() * sizeof(TaintRange));
      if (auto ok = ask(TaintRequest::kLabelMemory, ranges.size()); !ok) return ok;
    }
    return {};
  }

  // All pages of memory that are not zero, in pieces for the mail.
  std::vector<std::vector<TaintRange>> used_memory() const {
    constexpr size_t kPage = 4096, kMost = kMailSize / sizeof(TaintRange);
    std::vector<std::vector<TaintRange>> all(1);
    for (size_t at = 0; at < memory_.low().size(); at += kPage) {
      const auto page = memory_.low().subspan(at, kPage);
      if (std::all_of(page.begin(), page.end(), [](std::byte b) { return b == std::byte{0}; }))
        continue;
      if (all.back().size() == kMost) all.emplace_back();
      all.back().push_back({at, kPage, 1, 0, uint32_t(TaintHow::kReplace), 0});
    }
    return all;
  }

  Result<void> end() {
    ended_ = true;
    count_ = channel_.stop().count - count_;
    if (mode_ == "plugin") return {};
    if (auto ok = ask(TaintRequest::kSummary); !ok) return ok;
    summary_.emplace();
    std::memcpy(&*summary_, channel_.mail().data(), sizeof *summary_);
    if (auto ok = ask(TaintRequest::kUnmodelled, 0); !ok) return ok;
    unmodelled_.resize(reply_[0]);
    std::memcpy(unmodelled_.data(), channel_.mail().data(), reply_[0] * sizeof(TaintUnmodelled));
    return {};
  }

  void tell(const TaintSummary& s) const {
    std::printf("labelled %lu, at most %lu; shadow %.1f MB, at most %.1f MB\n", s.labelled,
                s.peak_labelled, double(s.shadow_bytes) / 1e6, double(s.peak_shadow) / 1e6);
    std::printf("sets %lu, %.1f MB, at most %.1f MB; %lu collections%s\n", s.sets,
                double(s.set_bytes) / 1e6, double(s.peak_set) / 1e6, s.collections,
                s.any_merged ? ", merged" : "");
    std::printf("blocks %lu, quiet %lu; instructions %lu; activations %lu; decoded %lu\n", s.blocks,
                s.quiet_blocks, s.instructions, s.activations, s.decoded_blocks);
    std::printf("findings %u, holders %u\n", s.findings, s.holders);
    if (s.checked != 0)
      std::printf("translations %lu, wrong %lu\n", s.checked, s.wrong_translations);
    for (const TaintUnmodelled& u : unmodelled_)
      std::printf("unmodelled %s %lu, with labels %lu\n", u.mnemonic, u.times, u.tainted);
  }

  Result<void> ask(TaintRequest what, uint64_t a0 = 0, uint64_t a1 = 0, uint64_t a2 = 0,
                   uint64_t a3 = 0, uint64_t a4 = 0, uint64_t a5 = 0) {
    Request request{uint32_t(what), 0, {a0, a1, a2, a3, a4, a5}, {}};
    auto ok = channel_.ask(request);
    std::copy(std::begin(request.reply), std::end(request.reply), reply_);
    return ok;
  }

  // The pieces of a range of the program's memory that lie together in RAM, into the mail.
  size_t put_ranges(const CpuState& cpu, uint64_t vaddr, uint64_t size, uint32_t label,
                    uint32_t step) {
    constexpr uint64_t kPage = 4096;
    std::vector<TaintRange> ranges;
    for (uint64_t done = 0; done < size;) {
      const uint64_t n = std::min(size - done, kPage - (vaddr + done) % kPage);
      if (const auto at = memory_.translate(cpu.cr3, vaddr + done))
        ranges.push_back({*at, n, label + uint32_t(done) * step, step, 0, 0});
      done += n;
    }
    std::memcpy(channel_.mail().data(), ranges.data(), ranges.size() * sizeof(TaintRange));
    return ranges.size();
  }

  Result<void> label(const CpuState& cpu) {
    const auto& r = cpu.gpr;
    return ask(TaintRequest::kLabelMemory,
               put_ranges(cpu, r[kRbx], r[kRdx], uint32_t(r[kRsi]), uint32_t(r[kRdi])));
  }
  Result<void> label_register(const CpuState& cpu) {
    const auto& r = cpu.gpr;
    return ask(TaintRequest::kLabelRegister, r[kRbx], 0, r[kRdx], r[kRsi], r[kRdi]);
  }

  Result<void> query(const CpuState& cpu) {
    const auto& r = cpu.gpr;
    std::string line(r[kRdi], 0);
    (void)memory_.read_virtual(cpu.cr3, r[kRsi], std::as_writable_bytes(std::span(line)));
    const size_t colon = line.find(':');
    const std::string name = line.substr(0, colon), expected = line.substr(colon + 1);
    if (auto ok = ask(TaintRequest::kQueryMemory, put_ranges(cpu, r[kRbx], r[kRdx], 0, 0)); !ok)
      return ok;
    if (auto ok = ask(TaintRequest::kDescribe, r[kRdx]); !ok) return ok;
    std::vector<std::vector<TaintRun>> bytes;
    const uint8_t* mail = channel_.mail().data();
    for (uint64_t i = 0; i < reply_[0]; ++i) {
      TaintSet set;
      std::memcpy(&set, mail, sizeof set);
      auto& runs = bytes.emplace_back(set.runs);
      std::memcpy(runs.data(), mail + sizeof set, set.runs * sizeof(TaintRun));
      mail += sizeof set + set.runs * sizeof(TaintRun);
    }
    const std::string found = text_of(bytes);
    ++asked_;
    met_ += found == expected;
    if (found != expected)
      std::printf("%s:\n  expected %s\n  found    %s\n", name.c_str(), expected.c_str(),
                  found.c_str());
    return {};
  }

  Channel& channel_;
  const GuestMemory& memory_;
  const std::string mode_;
  const bool interpret_;
  bool begun_ = false, ended_ = false;
  uint64_t count_ = 0;
  uint32_t asked_ = 0, met_ = 0;
  size_t reports_ = 0;
  uint64_t fingerprint_ = 0xcbf29ce484222325;
  uint64_t reply_[4] = {};
  std::optional<TaintSummary> summary_;
  std::vector<TaintUnmodelled> unmodelled_;
};

bool drop_output(Stream, const char*, size_t) { return true; }

Result<bool> bare(const std::string& path) {
  auto machine = prepare_replay({path, {}, std::chrono::seconds(0), {}});
  if (!machine) return fail(machine.error());
  const Stopwatch stopwatch(**machine);
  const auto status = (*machine)->serve(drop_output, {});
  if (!status) return fail(status.error());
  stopwatch.tell();
  return true;
}

Result<bool> check(const std::string& path, const std::string& mode) {
  if (mode == "bare") return bare(path);
  const std::string directory =
      std::string(std::getenv("TMPDIR") ?: "/tmp") + "/taint_check.XXXXXX";
  std::string name = directory;
  if (!::mkdtemp(name.data())) return fail_errno("create " + directory);
  const std::string file = name + "/channel";
  struct Remove {
    const std::string& file;
    const std::string& directory;
    ~Remove() {
      ::unlink(file.c_str());
      ::rmdir(directory.c_str());
    }
  } remove{file, name};
  auto channel = Channel::create(file, true);
  if (!channel) return fail(channel.error());
  channel->want_taint(mode != "plugin");
  const auto plugin = find_plugin();
  if (!plugin) return fail(plugin.error());
  auto machine =
      prepare_replay({path, {"file=" + *plugin + ",channel=" + file}, std::chrono::seconds(0), {}});
  if (!machine) return fail(machine.error());
  auto memory = GuestMemory::open((*machine)->ram_path());
  if (!memory) return fail(memory.error());
  const uint64_t size = (*machine)->ram_size();
  if (auto ok = channel->set_ram({(*machine)->ram_path(), size, GuestMemory::pc_low_size(size)});
      !ok)
    return fail(ok.error());
  std::optional<Result<ExitStatus>> served;
  std::atomic<bool> over = false;
  Check check(*channel, *memory, mode);
  Result<void> seen;
  const Stopwatch stopwatch(**machine);
  {
    const std::jthread server([&] {
      served = (*machine)->serve(drop_output, {});
      over = true;
    });
    seen = check.run([&over] { return over.load(); });
  }
  if (!seen) return fail(seen.error());
  if (!*served) return fail(served->error());
  stopwatch.tell();
  return check.tell();
}

}  // namespace
}  // namespace fptrace::emu

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: taint_check RUN.fpr MODE\n"), 2;
  const auto good = fptrace::emu::check(argv[1], argv[2]);
  if (good) return *good ? 0 : 1;
  std::fprintf(stderr, "taint_check: %s\n", good.error().what.c_str());
  return 125;
}
