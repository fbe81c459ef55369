#include "common/unwind/open_family.h"

#include <gtest/gtest.h>

namespace fptrace::unwind {
namespace {

TEST(OpensForItsCaller, FunctionsThatOpenWhatTheCallerNames) {
  for (const char* name :
       {"open",     "open64",          "__open_2", "__open64_2", "openat",      "__openat64_2",
        "creat",    "fopen",           "fopen64",  "freopen",    "opendir",     "scandir64",
        "nftw",     "__nftw64_time64", "fts_read", "mkstemp",    "mkostemps64", "tmpfile",
        "shm_open", "sem_open",        "dlopen",   "dlmopen",    "syscall",     "posix_openpt",
        "wordexp",  "_IO_file_fopen"})
    EXPECT_TRUE(opens_for_its_caller(name)) << name;
}

TEST(OpensForItsCaller, StreamsOfBothStandardLibraries) {
  for (const char* name :
       {"_ZNSt14basic_ifstreamIcSt11char_traitsIcEEC1EPKcSt13_Ios_Openmode",
        "_ZNSt14basic_ifstreamIcSt11char_traitsIcEEC2ERKNSt7__cxx1112basic_stringIcS1_SaIcEEESt13_"
        "Ios_Openmode",
        "_ZNSt13basic_fstreamIcSt11char_traitsIcEE4openEPKcSt13_Ios_Openmode",
        "_ZNSt13basic_filebufIcSt11char_traitsIcEE4openEPKcSt13_Ios_Openmode",
        "_ZNSt12__basic_fileIcE4openEPKcSt13_Ios_Openmodei",
        "_ZNSt3__113basic_filebufIcNS_11char_traitsIcEEE4openEPKcj",
        "_ZNSt10filesystem7__cxx1118directory_iteratorC1ERKNS0_4pathENS_17directory_optionsEPSt10"
        "error_code",
        "_ZNSt10filesystem9copy_fileERKNS_7__cxx114pathES3_NS_12copy_optionsE"})
    EXPECT_TRUE(opens_for_its_caller(name)) << name;
}

TEST(OpensForItsCaller, NothingElse) {
  for (const char* name :
       {"", "op", "openlog", "open_memstream", "fdopen", "popen", "getpwnam", "setlocale",
        "iconv_open", "dlsym", "openatx", "_ZNSt14basic_ifstreamIcSt11char_traitsIcEEC1Ev",
        "_ZNSt14basic_ifstreamIcSt11char_traitsIcEED1Ev",
        "_ZNSt13basic_filebufIcSt11char_traitsIcEE5closeEv", "_ZNKSt12__basic_fileIcE7is_openEv",
        "_ZNSt13random_device7_M_initE", "_ZNSt", "_ZNSt3__1"})
    EXPECT_FALSE(opens_for_its_caller(name)) << name;
}

TEST(IsCLibrary, TheLoaderAndTheVdsoToo) {
  for (const char* name : {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux.so.2", "libpthread.so.0",
                           "libc.musl-x86_64.so.1", "linux-vdso.so.1", "linux-gate.so.1"})
    EXPECT_TRUE(is_c_library(name)) << name;
  for (const char* name : {"", "libc", "libcrypt.so.1", "libstdc++.so.6", "libm.so.6"})
    EXPECT_FALSE(is_c_library(name)) << name;
}

}  // namespace
}  // namespace fptrace::unwind
