#include "backends/emu/guest/job.h"

#include <cstring>

namespace fptrace::emu {
namespace {

class Writer {
 public:
  void number(uint64_t n) { out_.append(reinterpret_cast<const char*>(&n), sizeof n); }
  void text(const std::string& s) {
    number(s.size());
    out_ += s;
  }
  void texts(const std::vector<std::string>& all) {
    number(all.size());
    for (const auto& s : all) text(s);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// After the first thing that does not fit all further reads give nothing.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  uint64_t number() {
    uint64_t n = 0;
    if (in_.size() < sizeof n) {
      ok_ = false;
      in_ = {};
      return 0;
    }
    std::memcpy(&n, in_.data(), sizeof n);
    in_.remove_prefix(sizeof n);
    return n;
  }
  uint32_t number32() {
    const uint64_t n = number();
    ok_ = ok_ && n <= UINT32_MAX;
    return uint32_t(n);
  }
  std::string bytes() {
    const uint64_t size = number();
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    std::string s(in_.substr(0, size_t(size)));
    in_.remove_prefix(size_t(size));
    return s;
  }
  std::string text() {
    std::string s = bytes();
    ok_ = ok_ && s.find('\0') == std::string::npos;
    return s;
  }
  // How many elements follow, each of at least `least` bytes.
  uint64_t count(uint64_t least) {
    const uint64_t n = number();
    if (n > in_.size() / least) ok_ = false;
    return ok_ ? n : 0;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> all(size_t(count(8)));
    for (auto& s : all) s = text();
    return all;
  }
  bool complete() const { return ok_ && in_.empty(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace

std::string encode_job(const Job& job) {
  Writer w;
  w.text(job.program);
  w.texts(job.argv);
  w.texts(job.env);
  w.text(job.cwd);
  w.number(job.uid);
  w.number(job.gid);
  w.number(job.groups.size());
  for (const uint32_t g : job.groups) w.number(g);
  for (const uint64_t set :
       {job.capabilities.bounding, job.capabilities.inheritable, job.capabilities.permitted,
        job.capabilities.effective, job.capabilities.ambient})
    w.number(set);
  w.number(job.no_new_privs ? 1 : 0);
  w.number(uint64_t(int64_t{job.nice}));
  w.number(job.umask);
  w.number(uint64_t(job.input));
  w.text(job.input_file);
  w.number(job.input_offset);
  w.number(job.one_output ? 1 : 0);
  w.number(job.ignored_signals);
  w.number(job.blocked_signals);
  w.number(job.limits.size());
  for (const auto& l : job.limits) {
    w.number(l.resource);
    w.number(l.soft);
    w.number(l.hard);
  }
  w.number(job.time_ns);
  w.text(job.seed);
  w.text(job.hostname);
  w.number(job.disk_metadata.size());
  for (const auto& range : job.disk_metadata) {
    w.number(range.begin);
    w.number(range.end);
  }
  return w.take();
}

std::optional<Job> decode_job(std::string_view bytes) {
  Reader r(bytes);
  Job job;
  job.program = r.text();
  job.argv = r.texts();
  job.env = r.texts();
  job.cwd = r.text();
  job.uid = r.number32();
  job.gid = r.number32();
  job.groups.resize(size_t(r.count(8)));
  for (auto& g : job.groups) g = r.number32();
  for (uint64_t* set :
       {&job.capabilities.bounding, &job.capabilities.inheritable, &job.capabilities.permitted,
        &job.capabilities.effective, &job.capabilities.ambient})
    *set = r.number();
  const uint64_t no_new_privs = r.number();
  job.no_new_privs = no_new_privs == 1;
  const auto nice = int64_t(r.number());
  job.nice = int32_t(nice);
  job.umask = r.number32();
  const uint32_t input = r.number32();
  job.input = Job::Input(input);
  job.input_file = r.text();
  job.input_offset = r.number();
  const uint64_t one_output = r.number();
  job.one_output = one_output == 1;
  job.ignored_signals = r.number();
  job.blocked_signals = r.number();
  job.limits.resize(size_t(r.count(24)));
  for (auto& l : job.limits) l = {r.number32(), r.number(), r.number()};
  job.time_ns = r.number();
  job.seed = r.bytes();
  job.hostname = r.text();
  job.disk_metadata.resize(size_t(r.count(16)));
  for (auto& range : job.disk_metadata) range = {r.number(), r.number()};
  if (!r.complete() || one_output > 1 || no_new_privs > 1 || nice != job.nice ||
      input > uint32_t(Job::Input::kClosed))
    return std::nullopt;
  return job;
}

}  // namespace fptrace::emu
