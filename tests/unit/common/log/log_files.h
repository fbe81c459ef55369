#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/log/log_reader.h"
#include "common/log/log_writer.h"

namespace fptrace::testing {

// A directory that goes away with the object.
class ScratchDir {
 public:
  ScratchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "fplog-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchDir() { std::filesystem::remove_all(path_); }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A log whose chunks hold `chunk_events` events each, so that small logs have several.
inline void write_log(const std::string& path, const std::vector<Event>& events,
                      uint32_t chunk_events = 65536, bool finish = true) {
  LogWriter::Options options;
  options.capabilities = Cap::kProcesses | Cap::kFiles;
  options.writer = "test 1";
  options.chunk_events = chunk_events;
  options.max_delay = std::chrono::hours(1);
  auto w = LogWriter::create(path, options);
  ASSERT_TRUE(w) << w.error().what;
  for (const auto& e : events) {
    const auto ok = (*w)->on_event(e);
    ASSERT_TRUE(ok) << ok.error().what;
  }
  const auto ok = finish ? (*w)->finish() : (*w)->flush();
  ASSERT_TRUE(ok) << ok.error().what;
}

// What a reader delivers: the events, and the error that ended them, if any.
struct Outcome {
  std::vector<Event> events;
  std::string error;
  Errc code = Errc::kIo;
};
inline Outcome read_all(LogReader& reader) {
  Outcome out;
  for (;;) {
    const auto e = reader.next();
    if (!e) {
      out.error = e.error().what;
      out.code = e.error().code;
      return out;
    }
    if (*e == nullptr) return out;
    out.events.push_back(**e);
  }
}
inline Outcome read_bytes(std::string bytes) {
  auto reader = LogReader::open(LogBytes("x.fplog", std::move(bytes)));
  if (!reader) return {{}, reader.error().what, reader.error().code};
  return read_all(*reader);
}

}  // namespace fptrace::testing
