#pragma once
#include <string>

// Small helpers of the guest's init. There is nobody to return an error to: what cannot be done is
// told to the host and nothing follows.

namespace fptrace::emu {

// Until there is a port, and besides it, goes to the console.
[[noreturn]] void give_up(const std::string& what);
// With the text of errno.
[[noreturn]] void give_up_errno(const std::string& what);
// Where give_up() tells the host; -1: nowhere yet.
void set_failure_port(int fd);

// Writes all of it or gives up.
void write_all(int fd, const void* data, size_t size);
void write_file(const char* path, const std::string& text);
std::string read_file(const std::string& path);  // empty when it cannot be read

}  // namespace fptrace::emu
