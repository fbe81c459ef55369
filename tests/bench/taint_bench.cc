// bench-deps: fptrace::emu_taint_engine
#include <benchmark/benchmark.h>

#include <cstring>
#include <initializer_list>
#include <vector>

#include "backends/emu/taint/execute.h"

// Goals: 5 ns an operation when all is labelled, less than that an instruction when little is.

namespace fptrace::emu::taint {
namespace {

constexpr uint64_t kData = 0x20000;

// A block and its log, as if it were executed again and again.
struct Scene {
  Decoder decoder;
  Block block;
  std::vector<Access> log;
  RegisterShadow registers;
  ShadowMemory memory;
  LabelSets sets;
  FindingList findings;

  void add(std::initializer_list<uint8_t> code) {
    decoder.decode(code.begin(), code.size(), true, block);
  }
  void access(uint64_t addr, uint8_t size, bool is_store) {
    Access access{};
    access.vaddr = access.paddr = addr;
    access.size = size;
    access.is_store = is_store;
    access.instruction = uint16_t(block.instructions.size() - 1);
    log.push_back(access);
  }
  // `labelled`: registers and memory have labels from here on.
  void begin(bool labelled) {
    Decoder::finish(block);
    if (!labelled) return;
    const LabelId ids[2] = {LabelSets::single(1), LabelSets::single(2)};
    for (uint16_t i = 0; i < kX87; ++i) registers.bytes[i] = ids[i / 4 % 2];
    registers.refresh(~RegisterMask{0});
    const uint8_t zero = 0;
    for (uint64_t i = 0; i < 4096; ++i) memory.store(kData + i, 1, &zero, &ids[i / 4 % 2]);
  }
  void run(benchmark::State& state) {
    const RegisterShadow before = registers;
    for (auto _ : state) {
      registers = before;
      findings.count = 0;
      benchmark::DoNotOptimize(execute(block, 0, uint32_t(block.instructions.size()), log, {},
                                       {registers, memory, sets}, findings));
    }
    const auto per_second = [&](size_t count) {
      return benchmark::Counter(double(count), benchmark::Counter::kIsIterationInvariantRate |
                                                   benchmark::Counter::kInvert);
    };
    state.counters["s/instruction"] = per_second(block.instructions.size());
    state.counters["s/op"] = per_second(block.ops.size());
  }
};

// The inner loop of a table-driven checksum.
void add_checksum(Scene& s) {
  for (uint64_t i = 0; i < 4; ++i) {
    s.add({0x0f, 0xb6, 0x06});  // movzx eax, byte [rsi]
    s.access(kData + i, 1, false);
    s.add({0x31, 0xd0});                    // xor eax, edx
    s.add({0x25, 0xff, 0x00, 0x00, 0x00});  // and eax, 0xff
    s.add({0xc1, 0xea, 0x08});              // shr edx, 8
    s.add({0x33, 0x14, 0x87});              // xor edx, [rdi + rax*4]
    s.access(kData + 4096 + 4 * i, 4, false);
    s.add({0x48, 0xff, 0xc6});  // inc rsi
  }
  s.add({0x48, 0x39, 0xce});  // cmp rsi, rcx
  s.add({0x75, 0xd0});        // jne
}

// A copy by sixteen bytes.
void add_copy(Scene& s) {
  for (uint8_t i = 0; i < 4; ++i) {
    s.add({0xf3, 0x0f, 0x6f, 0x46, uint8_t(16 * i)});  // movdqu xmm0, [rsi + 16*i]
    s.access(kData + 16u * i, 16, false);
    s.add({0xf3, 0x0f, 0x7f, 0x47, uint8_t(16 * i)});  // movdqu [rdi + 16*i], xmm0
    s.access(kData + 1024 + 16u * i, 16, true);
  }
  s.add({0x48, 0x83, 0xc6, 0x40});  // add rsi, 64
  s.add({0x48, 0x83, 0xc7, 0x40});  // add rdi, 64
  s.add({0x48, 0x83, 0xea, 0x40});  // sub rdx, 64
  s.add({0x75, 0xd0});              // jne
}

// A function's beginning and end: mostly moves.
void add_calls(Scene& s) {
  s.add({0x55});  // push rbp
  s.access(kData + 8192, 8, true);
  s.add({0x48, 0x89, 0xe5});        // mov rbp, rsp
  s.add({0x48, 0x83, 0xec, 0x20});  // sub rsp, 32
  s.add({0x48, 0x89, 0x7d, 0xf8});  // mov [rbp - 8], rdi
  s.access(kData + 8192 - 16, 8, true);
  s.add({0x48, 0x8b, 0x45, 0xf8});  // mov rax, [rbp - 8]
  s.access(kData + 8192 - 16, 8, false);
  s.add({0x48, 0x85, 0xc0});  // test rax, rax
  s.add({0x0f, 0x94, 0xc0});  // sete al
  s.add({0x0f, 0xb6, 0xc0});  // movzx eax, al
  s.add({0xc9});              // leave
  s.access(kData + 8192, 8, false);
  s.add({0xc3});  // ret
  s.access(kData + 8200, 8, false);
}

template <void (*add)(Scene&)>
void BM_Quiet(benchmark::State& state) {
  Scene scene;
  add(scene);
  scene.begin(false);
  scene.run(state);
}

// One register that the block does not touch has a label: the emulator is not in its quiet state.
template <void (*add)(Scene&)>
void BM_Elsewhere(benchmark::State& state) {
  Scene scene;
  add(scene);
  scene.begin(false);
  scene.registers.bytes[gpr_at(15)] = LabelSets::single(1);
  scene.registers.refresh(~RegisterMask{0});
  scene.run(state);
}

// A register that one instruction of the block reads has one.
template <void (*add)(Scene&)>
void BM_Little(benchmark::State& state) {
  Scene scene;
  add(scene);
  scene.begin(false);
  scene.registers.bytes[flag_at(kZf)] = LabelSets::single(1);
  scene.registers.bytes[gpr_at(5)] = LabelSets::single(1);
  scene.registers.refresh(~RegisterMask{0});
  scene.run(state);
}

template <void (*add)(Scene&)>
void BM_Labelled(benchmark::State& state) {
  Scene scene;
  add(scene);
  scene.begin(true);
  scene.run(state);
}

#define ALL_OF(add)             \
  BENCHMARK(BM_Quiet<add>);     \
  BENCHMARK(BM_Elsewhere<add>); \
  BENCHMARK(BM_Little<add>);    \
  BENCHMARK(BM_Labelled<add>)
ALL_OF(add_checksum);
ALL_OF(add_copy);
ALL_OF(add_calls);

void BM_Decode(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    Scene scene;
    state.ResumeTiming();
    add_checksum(scene);
    Decoder::finish(scene.block);
  }
}
BENCHMARK(BM_Decode);

}  // namespace
}  // namespace fptrace::emu::taint
