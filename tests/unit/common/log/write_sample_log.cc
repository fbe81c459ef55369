#include <iostream>

#include "common/log/log_writer.h"
#include "tests/unit/common/log/sample_events.h"

// write_sample_log FILE: the sample events in several chunks, for readers in other languages.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  fptrace::LogWriter::Options options;
  options.chunk_events = 10;
  const auto w = fptrace::LogWriter::create(argv[1], options);
  fptrace::Result<void> ok;
  if (!w) ok = fptrace::fail(w.error());
  for (const auto& e : fptrace::testing::sample_events()) {
    if (ok) ok = (*w)->on_event(e);
  }
  if (ok) ok = (*w)->finish();
  if (!ok) std::cerr << ok.error().what << "\n";
  return ok ? 0 : 1;
}
