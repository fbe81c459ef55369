#include "backends/emu/osi/kernel_symbols.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace fptrace::emu {
namespace {

constexpr uint64_t kBase = 0xffffffff81000000;

// A kernel's tables in memory, each at an address of its own, as scripts/kallsyms.c writes them.
class FakeKernel {
 public:
  explicit FakeKernel(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
    tokens_.resize(256);
    info_.text = kBase;
  }

  // A symbol with its name in tokens, its address as much above the base.
  void add(const std::vector<uint8_t>& name, uint32_t offset) {
    if (name.size() > 0x7f) {
      names_.push_back(uint8_t(name.size() & 0x7f) | 0x80);
      names_.push_back(uint8_t(name.size() >> 7));
    } else {
      names_.push_back(uint8_t(name.size()));
    }
    names_.insert(names_.end(), name.begin(), name.end());
    offsets_.push_back(offset);
  }
  void cut_names(size_t bytes) { names_.resize(names_.size() - bytes); }

  Result<SymbolMap> find(const std::set<std::string, std::less<>>& wanted) {
    place_tables();
    return find_symbols(info_, reader(), wanted);
  }
  Result<std::map<uint64_t, NamedAddress>> name(const std::set<uint64_t>& addresses) {
    place_tables();
    return name_code(info_, reader(), addresses);
  }

 private:
  void place_tables() {
    std::string table;
    std::vector<uint16_t> index;
    for (const std::string& token : tokens_) {
      index.push_back(uint16_t(table.size()));
      table.append(token.c_str(), token.size() + 1);
    }
    place("num_syms", std::vector<uint32_t>{uint32_t(offsets_.size())});
    place("relative_base", std::vector<uint64_t>{kBase});
    place("offsets", offsets_);
    place("token_index", index);
    place("token_table", std::vector<char>(table.begin(), table.end()));
    place("names", names_);
  }
  template <class T>
  void place(const std::string& name, const std::vector<T>& values) {
    const uint64_t at = 0x100000 * (memory_.size() + 1);
    info_.symbol_tables[name] = at;
    const auto bytes = std::as_bytes(std::span(values));
    memory_[at].assign(bytes.begin(), bytes.end());
  }
  KernelRead reader() const {
    return [this](uint64_t vaddr, std::span<std::byte> out) -> size_t {
      const auto piece = std::prev(memory_.upper_bound(vaddr));
      const uint64_t from = vaddr - piece->first;
      if (from >= piece->second.size()) return 0;
      const size_t size = std::min(out.size(), piece->second.size() - size_t(from));
      std::memcpy(out.data(), piece->second.data() + from, size);
      return size;
    };
  }

  std::vector<std::string> tokens_;
  std::vector<uint8_t> names_;
  std::vector<uint32_t> offsets_;
  VmcoreInfo info_;
  std::map<uint64_t, std::vector<std::byte>> memory_;
};

// Tokens may hold the type letter alone, with a beginning of the name, or with all of it.
enum : uint8_t { kTs, kText, kT, kDo, kExit, kWholeName, kSmallT, kA };
FakeKernel make_kernel() {
  FakeKernel kernel({"T_s", "text", "T", "do_", "exit", "Tinit", "t", "a"});
  kernel.add({kTs, kText}, 0);
  kernel.add({kT, kDo, kExit}, 0x100);
  kernel.add({kWholeName}, 0x200);
  kernel.add({kT, kDo}, 0x300);
  kernel.add({kSmallT, kDo, kExit, kExit}, 0x400);
  std::vector<uint8_t> longer = {kSmallT};
  longer.resize(300, kA);
  kernel.add(longer, 0x500);
  kernel.add({kT, kA}, 0x600);
  return kernel;
}

TEST(KernelSymbols, FindsThoseThatAreWantedAndNoOthers) {
  FakeKernel kernel = make_kernel();
  const auto found =
      kernel.find({"do_exit", "init", "do_", "do_ex", "nothing", std::string(299, 'a')});
  ASSERT_TRUE(found) << found.error().what;
  const SymbolMap expected = {{"do_exit", kBase + 0x100},
                              {"init", kBase + 0x200},
                              {"do_", kBase + 0x300},
                              {std::string(299, 'a'), kBase + 0x500}};
  EXPECT_EQ(*found, expected);
}

TEST(KernelSymbols, FindsNamesBeyondWhatIsReadAtOnce) {
  FakeKernel kernel = make_kernel();
  for (uint32_t i = 0; i < 100'000; ++i) kernel.add({kSmallT, kA, kDo}, 0x1000 + i);
  kernel.add({kT, kExit}, 0x90000);
  const auto found = kernel.find({"exit"});
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(*found, (SymbolMap{{"exit", kBase + 0x90000}}));
}

TEST(KernelSymbols, NamesCode) {
  FakeKernel kernel = make_kernel();
  const auto named = kernel.name({kBase + 0x100, kBase + 0x4ff, kBase - 1});
  ASSERT_TRUE(named) << named.error().what;
  ASSERT_EQ(named->size(), 2u);
  EXPECT_EQ(named->at(kBase + 0x100).function, "do_exit");
  EXPECT_EQ(named->at(kBase + 0x100).offset, 0u);
  EXPECT_EQ(named->at(kBase + 0x4ff).function, "do_exitexit");
  EXPECT_EQ(named->at(kBase + 0x4ff).offset, 0xffu);
}

TEST(KernelSymbols, NamesThatDoNotFitTheOtherTablesAreAnError) {
  FakeKernel cut = make_kernel();
  cut.cut_names(1);
  EXPECT_FALSE(cut.find({"do_exit"}));
  FakeKernel empty = make_kernel();
  empty.add({}, 0x700);
  EXPECT_FALSE(empty.find({"do_exit"}));
  constexpr uint8_t kUnusedToken = 200;
  FakeKernel unused = make_kernel();
  unused.add({kUnusedToken, kA}, 0x700);
  EXPECT_FALSE(unused.find({"do_exit"}));
}

TEST(KernelSymbols, WithoutStextAddressesAreNotKnown) {
  FakeKernel kernel({"T", "do_exit"});
  kernel.add({0, 1}, 0x100);
  EXPECT_FALSE(kernel.find({"do_exit"}));
}

}  // namespace
}  // namespace fptrace::emu
