#include "backends/emu/tracer/memory_dump.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/procfs.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/fake_guest.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

class MemoryDump : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fptrace-dump-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    guest_.task(1, "init");
    memory_.emplace(guest_.memory());
    auto kernel = GuestKernel::find(*memory_);
    ASSERT_TRUE(kernel) << kernel.error().what;
    kernel_.emplace(*std::move(kernel));
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string dump(DumpFormat format) {
    CpuState cpu{};
    cpu.rip = 0xffffffff81001234;
    cpu.gpr[kRax] = 77;
    const std::string path = directory_ / "dump";
    const auto ok = dump_memory(path, format, *kernel_, cpu, 42);
    EXPECT_TRUE(ok) << ok.error().what;
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string memory() {
    return {reinterpret_cast<const char*>(guest_.bytes().data()), guest_.bytes().size()};
  }
  template <class T>
  static T at(const std::string& bytes, size_t offset) {
    T object;
    EXPECT_LE(offset + sizeof object, bytes.size());
    std::memcpy(&object, bytes.data() + offset, sizeof object);
    return object;
  }

  fs::path directory_;
  testing::FakeGuest guest_;
  std::optional<GuestMemory> memory_;
  std::optional<GuestKernel> kernel_;
};

TEST_F(MemoryDump, RawIsMemoryByteByByte) {
  EXPECT_EQ(dump(DumpFormat::kRaw), memory());
  struct stat st {};
  ASSERT_EQ(::stat((directory_ / "dump").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1) << "something was left";
}

TEST_F(MemoryDump, CoreHasMemoryWhereTheKernelMapsIt) {
  const std::string core = dump(DumpFormat::kElf);
  const auto header = at<Elf64_Ehdr>(core, 0);
  ASSERT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
  EXPECT_EQ(header.e_type, ET_CORE);
  const auto last =
      at<Elf64_Phdr>(core, header.e_phoff + size_t(header.e_phnum - 1) * sizeof(Elf64_Phdr));
  EXPECT_EQ(last.p_type, uint32_t{PT_LOAD});
  EXPECT_EQ(last.p_paddr, 0u);
  EXPECT_EQ(last.p_vaddr, testing::FakeGuest::kDirectMap);
  EXPECT_EQ(last.p_filesz, memory().size());
  EXPECT_EQ(last.p_offset % 4096, 0u);
  EXPECT_EQ(core.substr(last.p_offset), memory());
}

TEST_F(MemoryDump, CoreHasRegistersAndVmcoreinfo) {
  const std::string core = dump(DumpFormat::kElf);
  const auto header = at<Elf64_Ehdr>(core, 0);
  const auto notes = at<Elf64_Phdr>(core, header.e_phoff);
  ASSERT_EQ(notes.p_type, uint32_t{PT_NOTE});
  const auto first = at<Elf64_Nhdr>(core, notes.p_offset);
  EXPECT_EQ(first.n_type, uint32_t{NT_PRSTATUS});
  const size_t content = notes.p_offset + sizeof first + 8;  // "CORE" and its NUL, padded
  const auto status = at<prstatus_t>(core, content);
  EXPECT_EQ(status.pr_pid, 42);
  EXPECT_EQ(status.pr_reg[16], 0xffffffff81001234);  // rip
  EXPECT_EQ(status.pr_reg[10], 77u);                 // rax
  const size_t second = content + (first.n_descsz + 3) / 4 * 4;
  EXPECT_STREQ(core.data() + second + sizeof(Elf64_Nhdr), "VMCOREINFO");
  const size_t text = second + sizeof(Elf64_Nhdr) + 12;
  EXPECT_EQ(core.substr(text, 10), "OSRELEASE=");
  EXPECT_EQ(at<Elf64_Nhdr>(core, second).n_descsz, kernel_->vmcoreinfo().size());
}

TEST_F(MemoryDump, WhatCannotBeWrittenLeavesNothing) {
  const auto ok =
      dump_memory((directory_ / "none/dump").string(), DumpFormat::kRaw, *kernel_, {}, 1);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().what.find("none/dump"), std::string::npos);
  fs::create_directory(directory_ / "taken");
  EXPECT_FALSE(dump_memory((directory_ / "taken").string(), DumpFormat::kRaw, *kernel_, {}, 1));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
}

}  // namespace
}  // namespace fptrace::emu
