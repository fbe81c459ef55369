#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

#include "common/log/frame.h"
#include "tests/unit/common/log/log_files.h"
#include "tests/unit/common/log/sample_events.h"

namespace fptrace::testing {
namespace {

using ::testing::HasSubstr;

Event open_event(uint64_t seq) {
  return {seq, seq * 10, {5, 1}, 5, OpenEvent{sample_lookup("/f" + std::to_string(seq), seq)}};
}
std::vector<Event> opens(uint64_t n) {
  std::vector<Event> out;
  for (uint64_t seq = 1; seq < n; ++seq) out.push_back(open_event(seq));
  out.push_back({n, n * 10, {}, 0, TraceEndEvent{}});
  return out;
}

TEST(EventLog, EveryEventTypeComesBackEqual) {
  const ScratchDir dir;
  for (const uint32_t chunk_events : {1u, 3u, 1000u}) {
    write_log(dir / "a.fplog", sample_events(), chunk_events);
    auto reader = LogReader::open(dir / "a.fplog");
    ASSERT_TRUE(reader) << reader.error().what;
    EXPECT_EQ(reader->header(), (LogHeader{3, "test 1"}));
    const Outcome got = read_all(*reader);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.events, sample_events());
    EXPECT_EQ(*reader->next(), nullptr) << "the end stays the end";
  }
}

TEST(EventLog, IsReadableByItsOwnerOnlyAndClosedOnExec) {
  const ScratchDir dir;
  const auto w = LogWriter::create(dir / "a.fplog", {});
  ASSERT_TRUE(w);
  struct stat st {};
  ASSERT_EQ(::stat((dir / "a.fplog").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U & ~0u);
  int logs = 0;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(fd, gone) != dir / "a.fplog") continue;
    ++logs;
    EXPECT_NE(::fcntl(std::stoi(fd.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(logs, 1);
}

TEST(EventLog, ReplacesWhatWasThere) {
  const ScratchDir dir;
  write_file(dir / "a.fplog", std::string(100'000, 'x'));
  write_log(dir / "a.fplog", opens(3));
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events, opens(3));
}

TEST(EventLog, GapInTheSeqsIsKept) {
  const ScratchDir dir;
  const std::vector<Event> events{
      open_event(1), open_event(2), open_event(10), {11, 0, {}, 0, TraceEndEvent{}}};
  write_log(dir / "a.fplog", events);
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events, events);
}

TEST(EventLog, SeqThatDoesNotGrowIsRefusedForGood) {
  const ScratchDir dir;
  auto w = LogWriter::create(dir / "a.fplog", {});
  ASSERT_TRUE((*w)->on_event(open_event(5)));
  const auto r = (*w)->on_event(open_event(5));
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr("event 5 comes after event 5"));
  EXPECT_FALSE((*w)->on_event(open_event(6)));
  EXPECT_EQ((*w)->finish().error(), r.error());
  const Outcome got = read_bytes(read_file(dir / "a.fplog"));
  EXPECT_EQ(got.events, std::vector<Event>{open_event(5)}) << "what came before is kept";
  EXPECT_THAT(got.error, HasSubstr("cut short after event 5"));
}

TEST(EventLog, EventTooLargeForAnyChunkIsAnErrorThatKeepsTheRest) {
  const ScratchDir dir;
  auto w = LogWriter::create(dir / "a.fplog", {});
  ASSERT_TRUE((*w)->on_event(open_event(1)));
  const auto r = (*w)->on_event({2, 0, {}, 0, GapEvent{"x", std::string(25u << 20, 'y')}});
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr("event 2 is larger than"));
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events, std::vector<Event>{open_event(1)});
}

TEST(EventLog, LargestEventThatTheKernelAllowsIsKept) {
  const ScratchDir dir;
  ExecEvent exec;  // ARG_MAX is 6 MB at most, with 8 bytes for each string
  for (int i = 0; i < 400'000; ++i) exec.argv.push_back(std::to_string(i));
  const std::vector<Event> events{{1, 0, {1, 1}, 1, exec}, {2, 0, {}, 0, TraceEndEvent{}}};
  write_log(dir / "a.fplog", events);
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events, events);
}

TEST(EventLog, WritesAChunkWhenTheDelayIsOver) {
  const ScratchDir dir;
  LogWriter::Options options;
  options.max_delay = std::chrono::milliseconds(0);
  auto w = LogWriter::create(dir / "a.fplog", options);
  ASSERT_TRUE((*w)->on_event(open_event(1)));
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events.size(), 1U);
}

TEST(EventLog, FlushMakesWhatWasCollectedReadable) {
  const ScratchDir dir;
  LogWriter::Options options;
  options.max_delay = std::chrono::hours(1);
  auto w = LogWriter::create(dir / "a.fplog", options);
  ASSERT_TRUE((*w)->on_event(open_event(1)));
  EXPECT_EQ(read_bytes(read_file(dir / "a.fplog")).events.size(), 0U);
  ASSERT_TRUE((*w)->flush());
  const Outcome got = read_bytes(read_file(dir / "a.fplog"));
  EXPECT_EQ(got.events.size(), 1U);
  EXPECT_EQ(got.code, Errc::kIo);
  EXPECT_THAT(got.error, HasSubstr("cut short after event 1: the trace is still running"));
}

TEST(EventLog, DestroyedWriterFinishes) {
  const ScratchDir dir;
  {
    auto w = LogWriter::create(dir / "a.fplog", {});
    for (const auto& e : opens(4)) ASSERT_TRUE((*w)->on_event(e));
  }
  auto reader = LogReader::open(dir / "a.fplog");
  EXPECT_EQ(reader->chunks()->size(), 1U);
  EXPECT_TRUE(reader->has_index());
}

TEST(EventLog, FinishedLogTakesNoMoreEvents) {
  const ScratchDir dir;
  auto w = LogWriter::create(dir / "a.fplog", {});
  ASSERT_TRUE((*w)->finish());
  EXPECT_FALSE((*w)->on_event(open_event(1)));
}

TEST(EventLog, UnwritablePlaceIsKnownBeforeTheFirstEvent) {
  const ScratchDir dir;
  const auto missing = LogWriter::create(dir / "no/such/dir.fplog", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what,
            "create event log " + (dir / "no/such/dir.fplog") + ": No such file or directory");
  const auto full = LogWriter::create("/dev/full", {});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().what, "write event log /dev/full: No space left on device");
  EXPECT_EQ(full.error().sys, ENOSPC);
}

// RLIMIT_FSIZE stands in for a full disk: write() is short, then fails. In a child, since the limit
// is the process's. The child ends with 0, or with the number of the check that failed.
int write_with_file_limit(const std::string& path, rlim_t limit, std::string& error) {
  int channel[2];
  if (::pipe(channel) != 0) return 1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    const rlimit r{limit, limit};
    if (::setrlimit(RLIMIT_FSIZE, &r) != 0) ::_exit(2);
    LogWriter::Options options;
    options.chunk_events = 10;
    options.max_delay = std::chrono::hours(1);
    auto w = LogWriter::create(path, options);
    if (!w) ::_exit(3);
    Result<void> first;
    for (const auto& e : opens(1'000)) {
      if (auto ok = (*w)->on_event(e); !ok && first) first = ok;
    }
    if (first || (*w)->finish().error() != first.error()) ::_exit(4);
    const std::string& what = first.error().what;
    if (::write(channel[1], what.data(), what.size()) < 0) ::_exit(5);
    ::_exit(first.error().sys == EFBIG ? 0 : 6);
  }
  ::close(channel[1]);
  char buffer[1000];
  for (ssize_t n; (n = ::read(channel[0], buffer, sizeof buffer)) > 0;)
    error.append(buffer, size_t(n));
  ::close(channel[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(EventLog, FullDiskNamesTheFirstLostEventAndKeepsTheChunksBefore) {
  const ScratchDir dir;
  for (const rlim_t limit : {3000u, 3001u, 3117u, 3300u}) {
    std::string error;
    ASSERT_EQ(write_with_file_limit(dir / "a.fplog", limit, error), 0) << error;
    const Outcome got = read_bytes(read_file(dir / "a.fplog"));
    ASSERT_FALSE(got.events.empty());
    EXPECT_EQ(got.events.size() % 10, 0U);
    const uint64_t lost = got.events.back().seq + 1;
    EXPECT_THAT(error, HasSubstr("File too large; the log ends before event " +
                                 std::to_string(lost) + ", the events from there on are lost"));
    EXPECT_THAT(got.error, HasSubstr("cut short after event " + std::to_string(lost - 1)));
  }
}

TEST(EventLog, PipeWithoutAReaderIsAnErrorNotASignal) {
  const ScratchDir dir;
  const std::string path = dir / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto w = LogWriter::create(path, {});
  ASSERT_TRUE(w) << w.error().what;
  ::close(reader);
  ASSERT_TRUE((*w)->on_event(open_event(1)));
  const auto r = (*w)->finish();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().sys, EPIPE);
}

TEST(EventLog, KilledWriterLeavesEveryChunkItWrote) {
  const ScratchDir dir;
  const std::string path = dir / "a.fplog";
  for (int round = 0; round < 10; ++round) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      LogWriter::Options options;
      options.chunk_events = 100;
      options.max_delay = std::chrono::hours(1);
      auto w = LogWriter::create(path, options);
      for (uint64_t seq = 1;; ++seq) {
        if (!(*w)->on_event(open_event(seq))) ::_exit(1);
      }
    }
    // Not before there is something to read, then at whatever it is doing.
    while (!std::filesystem::exists(path) || std::filesystem::file_size(path) < 20'000) continue;
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const Outcome got = read_bytes(read_file(path));
    EXPECT_THAT(got.error, HasSubstr("cut short after event"));
    ASSERT_GT(got.events.size(), 0U);
    EXPECT_EQ(got.events.size() % 100, 0U);
    for (size_t i = 0; i < got.events.size(); ++i) ASSERT_EQ(got.events[i], open_event(i + 1));
    std::filesystem::remove(path);
  }
}

TEST(EventLogSeek, FindsEverySeqWithAndWithoutAnIndex) {
  const ScratchDir dir;
  const auto events = opens(50);
  for (const bool indexed : {true, false}) {
    write_log(dir / "a.fplog", events, 7, true);
    std::string bytes = read_file(dir / "a.fplog");
    if (!indexed) bytes.resize(bytes.size() - 1);
    auto reader = LogReader::open(LogBytes("a", bytes));
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->chunks()->size(), 8U);
    EXPECT_EQ(reader->has_index(), indexed);
    for (const uint64_t seq : std::vector<uint64_t>{50, 1, 7, 8, 49, 14, 15, 0, 30}) {
      ASSERT_TRUE(reader->seek(seq));
      const Outcome got = read_all(*reader);
      EXPECT_EQ(got.error, "");
      EXPECT_EQ(got.events,
                std::vector<Event>(events.begin() + std::max<int>(int(seq), 1) - 1, events.end()));
    }
    ASSERT_TRUE(reader->seek(51));
    EXPECT_EQ(*reader->next(), nullptr);
  }
}

TEST(EventLogSeek, WorksAfterAnErrorAndInTheMiddle) {
  const ScratchDir dir;
  write_log(dir / "a.fplog", opens(50), 7);
  std::string bytes = read_file(dir / "a.fplog");
  bytes.resize(bytes.size() / 2);
  auto reader = LogReader::open(LogBytes("a", bytes));
  EXPECT_NE(read_all(*reader).error, "");
  ASSERT_TRUE(reader->seek(3));
  EXPECT_EQ((*reader->next())->seq, 3U);
  ASSERT_TRUE(reader->seek(2));
  EXPECT_EQ((*reader->next())->seq, 2U);
}

TEST(EventLogSeek, SeqInAGapGivesTheNextEvent) {
  const ScratchDir dir;
  write_log(dir / "a.fplog", {open_event(1), open_event(10), {11, 0, {}, 0, TraceEndEvent{}}});
  auto reader = LogReader::open(dir / "a.fplog");
  ASSERT_TRUE(reader->seek(5));
  EXPECT_EQ((*reader->next())->seq, 10U);
}

}  // namespace
}  // namespace fptrace::testing
