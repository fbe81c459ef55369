#pragma once
#include <string_view>

namespace fptrace::unwind {

// Whether `symbol`, as an object's dynamic relocations name it, is a function that opens a file
// which its *caller* chose: open and its kin, fopen, opendir, mkstemp, dlopen, std::filebuf::open,
// and syscall(2) itself. Not: functions that open something of their own (getpwnam, setlocale,
// iconv_open).
bool opens_for_its_caller(std::string_view symbol);

// Whether an object with this DT_SONAME belongs to the C library: libc itself, the dynamic loader,
// what was split off in older versions, and the kernel's vdso, through which 32-bit calls go.
bool is_c_library(std::string_view soname);

}  // namespace fptrace::unwind
