// bench-deps: fptrace::emu_taint_engine
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "backends/emu/taint/decode.h"
#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/jit/hot_blocks.h"

// What moving labels costs for an instruction of a hot block, by either tier. The module of the
// second one is FPTRACE_TAINT_JIT, or beside the plugin.
// Goal: the second tier needs at most half of the first one's time when all is labelled.

namespace fptrace::emu::taint {
namespace {

struct Load {
  uint16_t instruction;
  uint8_t size;
  bool is_store;
  uint32_t buffer;  // which
};

struct Loop {
  const char* name;
  std::vector<std::vector<uint8_t>> code;
  std::vector<Load> accesses;
};

// Inner loops as compilers make them of libc's, zlib's and OpenSSL's.
const std::vector<Loop>& loops() {
  static const std::vector<Loop> kAll = {
      {"copy_vectors",
       {{0x0f, 0x10, 0x04, 0x06},  // movups xmm0, [rsi+rax]
        {0x0f, 0x11, 0x04, 0x07},  // movups [rdi+rax], xmm0
        {0x48, 0x83, 0xc0, 0x10},  // add rax, 16
        {0x48, 0x39, 0xc8},        // cmp rax, rcx
        {0x72, 0xef}},             // jb
       {{0, 16, false, 0}, {1, 16, true, 1}}},
      {"copy_bytes",
       {{0x0f, 0xb6, 0x06},        // movzx eax, byte [rsi]
        {0x88, 0x07},              // mov [rdi], al
        {0x48, 0x83, 0xc6, 0x01},  // add rsi, 1
        {0x48, 0x83, 0xc7, 0x01},  // add rdi, 1
        {0x83, 0xea, 0x01},        // sub edx, 1
        {0x75, 0xee}},             // jne
       {{0, 1, false, 0}, {1, 1, true, 1}}},
      {"inflate",
       {{0x44, 0x89, 0xd8},        // mov eax, r11d
        {0x4c, 0x21, 0xf8},        // and rax, r15
        {0x41, 0x8b, 0x04, 0x82},  // mov eax, [r10+rax*4]
        {0x0f, 0xb6, 0xcc},        // movzx ecx, ah
        {0x49, 0xd3, 0xeb},        // shr r11, cl
        {0x29, 0xcb},              // sub ebx, ecx
        {0x0f, 0xb6, 0xd0},        // movzx edx, al
        {0xc1, 0xe8, 0x10},        // shr eax, 16
        {0x84, 0xd2},              // test dl, dl
        {0x74, 0xe4}},             // je
       {{2, 4, false, 2}}},
      {"longest_match",
       {{0x0f, 0xb6, 0x06},        // movzx eax, byte [rsi]
        {0x0f, 0xb6, 0x17},        // movzx edx, byte [rdi]
        {0x48, 0x83, 0xc6, 0x01},  // add rsi, 1
        {0x48, 0x83, 0xc7, 0x01},  // add rdi, 1
        {0x38, 0xd0},              // cmp al, dl
        {0x75, 0xee}},             // jne
       {{0, 1, false, 0}, {1, 1, false, 1}}},
      {"crc32",
       {{0x0f, 0xb6, 0x0e},        // movzx ecx, byte [rsi]
        {0x31, 0xc1},              // xor ecx, eax
        {0xc1, 0xe8, 0x08},        // shr eax, 8
        {0x0f, 0xb6, 0xc9},        // movzx ecx, cl
        {0x33, 0x04, 0x8f},        // xor eax, [rdi+rcx*4]
        {0x48, 0x83, 0xc6, 0x01},  // add rsi, 1
        {0x48, 0x39, 0xd6},        // cmp rsi, rdx
        {0x75, 0xe9}},             // jne
       {{0, 1, false, 0}, {4, 4, false, 2}}},
      {"sha256",
       {{0x44, 0x89, 0xc0},              // mov eax, r8d
        {0x44, 0x89, 0xc1},              // mov ecx, r8d
        {0xc1, 0xc8, 0x06},              // ror eax, 6
        {0xc1, 0xc9, 0x0b},              // ror ecx, 11
        {0x31, 0xc8},                    // xor eax, ecx
        {0x44, 0x89, 0xc1},              // mov ecx, r8d
        {0xc1, 0xc9, 0x19},              // ror ecx, 25
        {0x31, 0xc8},                    // xor eax, ecx
        {0x44, 0x89, 0xc9},              // mov ecx, r9d
        {0x44, 0x31, 0xd1},              // xor ecx, r10d
        {0x44, 0x21, 0xc1},              // and ecx, r8d
        {0x44, 0x31, 0xd1},              // xor ecx, r10d
        {0x01, 0xc8},                    // add eax, ecx
        {0x03, 0x44, 0x24, 0x10},        // add eax, [rsp+16]
        {0x44, 0x01, 0xd8},              // add eax, r11d
        {0x05, 0x98, 0x2f, 0x8a, 0x42},  // add eax, 0x428a2f98
        {0x44, 0x89, 0xe1},              // mov ecx, r12d
        {0x44, 0x89, 0xe2},              // mov edx, r12d
        {0xc1, 0xc9, 0x02},              // ror ecx, 2
        {0xc1, 0xca, 0x0d},              // ror edx, 13
        {0x31, 0xd1},                    // xor ecx, edx
        {0x44, 0x89, 0xe2},              // mov edx, r12d
        {0xc1, 0xca, 0x16},              // ror edx, 22
        {0x31, 0xd1},                    // xor ecx, edx
        {0x44, 0x89, 0xe2},              // mov edx, r12d
        {0x44, 0x09, 0xea},              // or edx, r13d
        {0x44, 0x21, 0xf2},              // and edx, r14d
        {0x44, 0x89, 0xe3},              // mov ebx, r12d
        {0x44, 0x21, 0xeb},              // and ebx, r13d
        {0x09, 0xda},                    // or edx, ebx
        {0x01, 0xd1},                    // add ecx, edx
        {0x41, 0x01, 0xc7},              // add r15d, eax
        {0x01, 0xc8}},                   // add eax, ecx
       {{13, 4, false, 0}}},
  };
  return kAll;
}

enum Labels { kNothing, kSame, kEachItsOwn };

constexpr uint32_t kBufferBytes = 4096;

struct Bench {
  RegisterShadow registers;
  ShadowMemory memory;
  LabelSets sets;
  FindingList found;
  Decoder decoder;
  Block block;
  std::vector<std::vector<Access>> logs;
  std::vector<std::vector<uint64_t>> words;  // the same as AccessWords

  Bench(const Loop& loop, Labels labels) {
    for (const auto& code : loop.code) decoder.decode(code.data(), code.size(), true, block);
    Decoder::finish(block);
    const auto paddr = [](uint32_t buffer, uint32_t offset) {
      return uint64_t{buffer + 1} * kBufferBytes + offset;
    };
    // One register that the loop does not touch: blocks are executed only while there is one.
    registers.bytes[gpr_at(7)] = LabelSets::single(1);
    registers.refresh(~RegisterMask{0} >> 16);
    if (labels != kNothing) {
      for (uint32_t i = 0; i < kBufferBytes; ++i) {
        const LabelId label = LabelSets::single(labels == kSame ? 1 : i);
        const uint8_t value = 0;
        memory.store(paddr(0, i), 1, &value, &label);
        memory.store(paddr(1, i), 1, &value, &label);
      }
      for (uint16_t i = 0; i < 8; ++i) {
        const LabelId label = LabelSets::single(labels == kSame ? 1 : i);
        for (unsigned gpr = 8; gpr < 16; ++gpr) registers.bytes[gpr_at(gpr) + i] = label;
      }
      registers.refresh(~RegisterMask{0} >> 16);
    }
    for (uint32_t n = 0; n < 256; ++n) {
      auto& log = logs.emplace_back();
      words.emplace_back();
      for (const Load& load : loop.accesses) {
        Access access{};
        access.paddr = paddr(load.buffer, n * load.size);
        access.vaddr = access.paddr;
        access.instruction = load.instruction;
        access.size = load.size;
        access.is_store = load.is_store;
        log.push_back(access);
        uint64_t its[AccessWords::kMost];
        words.back().insert(words.back().end(), its, write_access(its, access));
      }
    }
  }
};

template <class Execute>
void run(benchmark::State& state, Bench& bench, Execute execute) {
  size_t n = 0;
  for (auto _ : state) {
    bench.found.count = 0;
    execute(n++ % bench.logs.size());
  }
  const double instructions = double(bench.block.instructions.size()) * double(state.iterations());
  state.counters["ns/instr"] = benchmark::Counter(
      instructions * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void interpreted(benchmark::State& state, const Loop& loop, Labels labels) {
  Bench bench(loop, labels);
  const auto size = uint32_t(bench.block.instructions.size());
  run(state, bench, [&](size_t n) {
    execute(bench.block, 0, size, bench.logs[n], {}, {bench.registers, bench.memory, bench.sets},
            bench.found);
  });
}

void compiled(benchmark::State& state, const Loop& loop, Labels labels) {
  const char* const module = std::getenv("FPTRACE_TAINT_JIT");
  jit::HotBlocks hot(module ? module : FPTRACE_TAINT_JIT, 1);
  Bench bench(loop, labels);
  const State of_bench{bench.registers, bench.memory, bench.sets};
  hot.execute(bench.block, 0, uint32_t(bench.block.instructions.size()), bench.logs[0], {},
              of_bench, bench.found);
  hot.finish();
  if (hot.counts().compiled == 0) return state.SkipWithError(hot.problem().c_str());
  run(state, bench, [&](size_t n) {
    if (!hot.run(bench.block, bench.words[n], {}, of_bench, bench.found)) std::abort();
  });
}

const bool kRegistered = [] {
  static constexpr std::array kLabels = {"nothing", "one_label", "each_its_own"};
  for (const Loop& loop : loops())
    for (uint32_t labels = 0; labels < kLabels.size(); ++labels) {
      const std::string name = std::string("/") + loop.name + "/" + kLabels[labels];
      benchmark::RegisterBenchmark(("interpreted" + name).c_str(), interpreted, loop,
                                   Labels(labels));
      benchmark::RegisterBenchmark(("compiled" + name).c_str(), compiled, loop, Labels(labels));
    }
  return true;
}();

}  // namespace
}  // namespace fptrace::emu::taint
