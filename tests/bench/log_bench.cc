// bench-deps: fptrace::log
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>

#include "common/log/log_reader.h"
#include "common/log/log_writer.h"
#include "tests/bench/synthetic_build.h"

// Goals: 12 bytes an event on disk, 500,000 events/s written, 1,000,000 events/s read.

namespace fptrace {
namespace {

constexpr size_t kEvents = 1'000'000;

const std::vector<Event>& events() {
  static const std::vector<Event> kAll = SyntheticBuild::make(kEvents);
  return kAll;
}

// A file that goes away with the process.
std::string scratch_file() {
  static const std::string kPath = [] {
    std::string path = "/tmp/fptrace-log-bench-XXXXXX";
    ::close(::mkstemp(path.data()));
    static std::string remove_me;
    remove_me = path;
    std::atexit([] { ::unlink(remove_me.c_str()); });
    return path;
  }();
  return kPath;
}

void fail(benchmark::State& state, const Error& error) { state.SkipWithError(error.what.c_str()); }

uint64_t write_log(benchmark::State& state) {
  auto w = LogWriter::create(scratch_file(), {});
  if (!w) return fail(state, w.error()), 0;
  for (const Event& e : events()) {
    if (auto ok = (*w)->on_event(e); !ok) return fail(state, ok.error()), 0;
  }
  if (auto ok = (*w)->finish(); !ok) return fail(state, ok.error()), 0;
  return (*w)->bytes();
}

void BM_Write(benchmark::State& state) {
  events();
  uint64_t bytes = 0;
  for (auto _ : state) bytes = write_log(state);
  state.SetItemsProcessed(state.iterations() * int64_t(events().size()));
  state.counters["bytes/event"] = double(bytes) / double(events().size());
}
BENCHMARK(BM_Write)->Unit(benchmark::kMillisecond);

void BM_Read(benchmark::State& state) {
  write_log(state);
  for (auto _ : state) {
    auto r = LogReader::open(scratch_file());
    if (!r) return fail(state, r.error());
    size_t n = 0;
    for (;; ++n) {
      const auto e = r->next();
      if (!e) return fail(state, e.error());
      if (*e == nullptr) break;
      benchmark::DoNotOptimize(**e);
    }
    if (n != events().size()) return state.SkipWithError("events are missing");
  }
  state.SetItemsProcessed(state.iterations() * int64_t(events().size()));
}
BENCHMARK(BM_Read)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fptrace
