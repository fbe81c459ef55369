#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// A file that is a guest's RAM, from physical address 0 on; gone with this.
class RamFile {
 public:
  explicit RamFile(const std::string& bytes) : path_(::testing::TempDir() + "ram-XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), ssize_t(bytes.size()));
    ::close(fd);
    std::strncpy(wire_->ram_path, path_.c_str(), sizeof wire_->ram_path - 1);
    wire_->ram_size = wire_->ram_low_size = bytes.size();
  }
  ~RamFile() { ::unlink(path_.c_str()); }
  RamFile(const RamFile&) = delete;
  RamFile& operator=(const RamFile&) = delete;

  const std::string& path() const { return path_; }
  Wire& wire() { return *wire_; }

 private:
  std::string path_;
  const std::unique_ptr<Wire> wire_ = std::make_unique<Wire>();
};

}  // namespace fptrace::emu
