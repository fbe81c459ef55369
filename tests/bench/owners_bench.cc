// bench-deps: fptrace::packages
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fingerprint/packages/owners.h"

// Goal: 1,000 files in under 0.5 s, the reading of every database among it.

namespace fptrace {
namespace {

constexpr size_t kFiles = 1000;

// Files of this machine; of any directory at most ten, so that many directories are asked about.
const std::vector<std::string>& files() {
  static const std::vector<std::string> kAll = [] {
    namespace fs = std::filesystem;
    std::vector<std::string> found;
    std::error_code ec;
    std::string last;
    int in_last = 0;
    for (const char* top : {"/usr/lib", "/usr/share"}) {
      const size_t until = found.size() + kFiles / 2;
      for (fs::recursive_directory_iterator it(top, ec), end; it != end; it.increment(ec)) {
        if (found.size() == until) break;
        if (!it->is_regular_file(ec)) continue;
        const std::string dir = it->path().parent_path();
        in_last = dir == last ? in_last + 1 : 0;
        last = dir;
        if (in_last < 10) found.push_back(it->path());
      }
    }
    return found;
  }();
  return kAll;
}

void MapThousandFiles(benchmark::State& state) {
  if (files().size() != kFiles) state.SkipWithError("fewer than 1,000 files in /usr");
  size_t owned = 0;
  for (auto _ : state) {
    Owners owners("");
    owned = 0;
    for (const std::string& f : files()) owned += !owners.find(f).packages.empty();
  }
  state.counters["owned"] = double(owned);
}
BENCHMARK(MapThousandFiles)->Unit(benchmark::kMillisecond)->Iterations(5);

// None of these is known to anybody, so that all sources look at each.
void MapThousandFilesThatNobodyOwns(benchmark::State& state) {
  for (auto _ : state) {
    Owners owners("");
    for (const std::string& f : files()) {
      benchmark::DoNotOptimize(owners.find(f + ".nobody's").packages.size());
    }
  }
}
BENCHMARK(MapThousandFilesThatNobodyOwns)->Unit(benchmark::kMillisecond)->Iterations(5);

}  // namespace
}  // namespace fptrace
