#include "fingerprint/view/process_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fptrace {
namespace {

ProcessRow row(pid_t pid, std::string comm, std::string exe, std::vector<std::string> argv) {
  ProcessRow r;
  r.pid = pid;
  r.parent = 1;
  r.threads = 1;
  r.uid = 1000;
  r.state = 'S';
  r.start_ns = 12'345'678'901;
  r.comm = std::move(comm);
  r.exe = std::move(exe);
  r.argv = std::move(argv);
  return r;
}

TEST(ProcessTable, LinesUpColumnsUnderTheirHeadings) {
  EXPECT_EQ(process_table_text({row(7, "sh", "/bin/dash", {"sh", "-c", "a b", ""}),
                                row(1234, "long-name", "/x", {"x"})},
                               {}),
            "PID   PPID  THREADS  UID   S  START   NAME       PROGRAM    COMMAND\n"
            "7     1     1        1000  S  12.3 s  sh         /bin/dash  sh -c 'a b' ''\n"
            "1234  1     1        1000  S  12.3 s  long-name  /x         x\n");
}

TEST(ProcessTable, ShowsKernelThreadsAndZombiesByTheirShortName) {
  ProcessRow thread = row(2, "kthreadd", "", {}), zombie = row(9, "gone", "", {});
  thread.kernel_thread = true;
  zombie.ended = true;
  const std::string text = process_table_text({thread, zombie}, {});
  EXPECT_NE(text.find("[kthreadd]\n"), text.npos) << text;
  EXPECT_NE(text.find("[gone] <defunct>\n"), text.npos) << text;
}

TEST(ProcessTable, CannotDisturbATerminal) {
  const std::string text =
      process_table_text({row(1, "a\nb", "/\x1b[31m", {"\xff", "\r"})}, {.width = 0});
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_EQ(text.find_first_of("\x1b\r\xff"), text.npos) << text;
}

TEST(ProcessTable, IsCutToTheWidthOfTheTerminal) {
  const std::string text =
      process_table_text({row(1, "name", "/program", {std::string(200, 'x')})}, {.width = 60});
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin = end + 1))
    EXPECT_LE(columns(text.substr(begin, end - begin)), 60U);
}

TEST(ProcessTable, OfNoProcessesIsItsHeadings) {
  EXPECT_EQ(process_table_text({}, {}),
            "PID  PPID  THREADS  UID  S  START  NAME  PROGRAM  COMMAND\n");
  EXPECT_EQ(process_table_json({}), "");
}

TEST(ProcessTable, JsonHasOneObjectALine) {
  ProcessRow zombie = row(9, "gone", "", {});
  zombie.ended = true;
  EXPECT_EQ(
      process_table_json({row(7, "sh", "/bin/dash", {"sh", "-c"}), zombie}),
      R"({"pid":7,"ppid":1,"threads":1,"uid":1000,"state":"S","start_ns":12345678901,"comm":"sh",)"
      R"("exe":"/bin/dash","argv":["sh","-c"]})"
      "\n"
      R"({"pid":9,"ppid":1,"threads":1,"uid":1000,"state":"S","start_ns":12345678901,"comm":"gone",)"
      R"("argv":[],"ended":true})"
      "\n");
}

TEST(ProcessTable, ThreadsStandBelowTheirProcess) {
  ProcessRow server = row(7, "server", "/srv", {"/srv"});
  server.cwd = "/var";
  server.threads = 2;
  server.thread_rows = {{7, 'S', 12'345'678'901, "server"}, {9, 'R', 13'000'000'000, "worker"}};
  EXPECT_EQ(process_table_text({server}, {}),
            "PID  PPID  THREADS  UID   S  START   NAME    PROGRAM  COMMAND\n"
            "7    1     2        1000  S  12.3 s  server  /srv     /srv\n"
            " 7   7                    S  12.3 s  server\n"
            " 9   7                    R  13.0 s  worker\n");
  const auto j = nlohmann::json::parse(process_table_json({server}));
  EXPECT_EQ(j["cwd"], "/var");
  EXPECT_EQ(j["thread_list"][1]["tid"], 9);
  EXPECT_EQ(j["thread_list"][1]["state"], "R");
}

TEST(ProcessTable, JsonKeepsBytesThatAreNoText) {
  const auto j = nlohmann::json::parse(process_table_json({row(7, "\xff", "/x", {"a", "\xfe"})}));
  EXPECT_EQ(j["comm"], "\\xff");
  EXPECT_EQ(j["comm_bytes"], "/w==");
  EXPECT_EQ(j["argv"], (std::vector<std::string>{"a", "\\xfe"}));
  EXPECT_EQ(j["argv_bytes"], (std::vector<std::string>{"YQ==", "/g=="}));
}

}  // namespace
}  // namespace fptrace
