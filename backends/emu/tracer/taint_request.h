#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

// What is to be followed through a replay, and how.
struct TaintSettings {
  struct File {
    std::string path;           // as the program would name it when it begins
    uint64_t from = 0;          // first byte
    uint64_t to = UINT64_MAX;   // last byte; the greatest: to its end
  };
  std::vector<File> files;
  bool standard_input = false;
  bool network = false;                  // what is received from sockets of AF_INET and AF_INET6
  std::vector<uint32_t> arguments;       // of the program; 0 is its name
  std::vector<std::string> environment;  // names of variables
  bool one_label = false;                // for each source, instead of one for each byte
  bool pointers = false;                 // what is loaded has the labels of its address, too
  bool depths = false;                   // count computations
  bool instructions = false;             // report each that had to do with labels
  uint32_t max_labels = 0;               // runs of a set, before it is merged; 0: the default
};

// "PATH" or "PATH:FROM-TO" (bytes, both among them; TO may be missing). A path whose name ends like
// that is named with a range of its own behind it.
Result<TaintSettings::File> parse_taint_file(std::string_view text);

}  // namespace fptrace::emu
