#include "backends/emu/guest/job.h"

#include <gtest/gtest.h>

#include "backends/emu/guest/init_bytes.h"

namespace fptrace::emu {
namespace {

Job full() {
  Job j;
  j.program = "/bin/sh";
  j.argv = {"sh", "-c", "", "\xff\n"};
  j.env = {"A=b", "C="};
  j.cwd = "/w";
  j.uid = 1000;
  j.gid = 100;
  j.groups = {4, 24, 4'000'000'000};
  j.capabilities = {~uint64_t{0} >> 23, 1, 2, 3, uint64_t{1} << 40};
  j.no_new_privs = true;
  j.nice = -20;
  j.umask = 077;
  j.input = Job::Input::kFile;
  j.input_file = "/in";
  j.input_offset = uint64_t{1} << 40;
  j.one_output = true;
  j.ignored_signals = 1;
  j.blocked_signals = uint64_t{1} << 63;
  j.limits = {{7, 1024, ~uint64_t{0}}};
  j.time_ns = 1'700'000'000'000'000'000;
  j.seed = std::string("a\0b", 3);
  j.hostname = "h";
  j.disk_metadata = {{4096, 8192}, {uint64_t{1} << 40, uint64_t{1} << 41}};
  return j;
}

TEST(Job, ComesBackAsItWas) {
  EXPECT_EQ(decode_job(encode_job(full())), full());
  EXPECT_EQ(decode_job(encode_job(Job())), Job());
}

TEST(Job, CutShortOrLongerIsNone) {
  const std::string whole = encode_job(full());
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_job(whole.substr(0, n))) << n;
  EXPECT_FALSE(decode_job(whole + '\0'));
}

TEST(Job, AStringWithAZeroByteIsNone) {
  Job j = full();
  j.argv[0] = std::string("s\0h", 3);
  EXPECT_FALSE(decode_job(encode_job(j)));
}

TEST(InitBytes, AreAnElfProgram) { EXPECT_TRUE(init_bytes().starts_with("\177ELF")); }

}  // namespace
}  // namespace fptrace::emu
