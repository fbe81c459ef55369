#include "tests/unit/backends/emu/taint/oracle_machine.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstring>

extern "C" void oracle_run(fptrace::emu::taint::oracle::Registers* registers, const void* code);

namespace fptrace::emu::taint::oracle {
namespace {

World live;
sigjmp_buf stopped;

void on_signal(int signal) { siglongjmp(stopped, signal); }

constexpr int kSignals[] = {SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP};
constexpr size_t kStackSize = 64 << 10;

// What BSR would do with these bytes is another thing.
bool has_lzcnt() {
  uint32_t zeros = 0;
  asm volatile("lzcnt %1, %0" : "=r"(zeros) : "r"(uint32_t{1}) : "cc");
  return zeros == 31;
}
bool has_tzcnt() {
  uint32_t zeros = 5;
  asm volatile("tzcnt %1, %0" : "+r"(zeros) : "r"(uint32_t{0}) : "cc");
  return zeros == 32;
}

}  // namespace

const char* name_of(Class of) {
  static constexpr const char* kNames[] = {
      "integer", "shifts", "multiply",  "bits",   "moves", "conditions", "stack", "strings",
      "floats",  "sse",    "sse moves", "crypto", "x87",   "mmx",        "avx",   "system"};
  return kNames[size_t(of)];
}

struct Machine::Handlers {
  struct sigaction old[std::size(kSignals)];
  stack_t old_stack;
  void* stack;
};

Machine::Machine() : handlers_(new Handlers) {
  handlers_->stack =
      ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack{};
  stack.ss_sp = handlers_->stack;
  stack.ss_size = kStackSize;
  ::sigaltstack(&stack, &handlers_->old_stack);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (size_t i = 0; i < std::size(kSignals); ++i)
    ::sigaction(kSignals[i], &action, &handlers_->old[i]);
}

Machine::~Machine() {
  for (size_t i = 0; i < std::size(kSignals); ++i)
    ::sigaction(kSignals[i], &handlers_->old[i], nullptr);
  ::sigaltstack(&handlers_->old_stack, nullptr);
  ::munmap(handlers_->stack, kStackSize);
  delete handlers_;
}

std::string Machine::why_not() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx") ? "" : "this processor's state has no AVX";
}

uint64_t Machine::address(size_t offset) const {
  return reinterpret_cast<uint64_t>(live.memory + offset);
}

int Machine::run(const Form& form, const World& before, World& after) {
  if (form.kind == Kind::kLzcnt && !has_lzcnt()) return SIGILL;
  if (form.kind == Kind::kTzcnt && !has_tzcnt()) return SIGILL;
  std::memcpy(&live, &before, sizeof live);
  if (const int signal = sigsetjmp(stopped, 0)) {
    asm volatile("fninit; cld");
    return signal;
  }
  oracle_run(&live.registers, form.code);
  std::memcpy(&after, &live, sizeof live);
  return 0;
}

// --- Inputs --------------------------------------------------------------------------------------

namespace {

uint64_t random_word(unsigned style, std::mt19937_64& random) {
  const auto as_bits = [](auto value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  };
  const double real = double(int64_t(random())) / 0x1p60;
  switch (style % 8) {
    case 1:
      return random() % 300;
    case 2:
      return as_bits(real);
    case 3:
      return as_bits(float(real)) | as_bits(float(-real * 3)) << 32;
    case 4:
      return (random() & 0xff) * 0x0101010101010101;
    case 5:
      return (random() & 1) != 0 ? ~uint64_t{0} : 0;
    case 6:
      return 0x0102030405060708;
    default:
      return random();
  }
}

void fill(uint8_t* to, size_t size, unsigned style, std::mt19937_64& random) {
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = random_word(style, random);
    std::memcpy(to + i, &word, std::min<size_t>(8, size - i));
  }
}

void make_x87(uint8_t* xsave, const Form& form, unsigned sample, std::mt19937_64& random) {
  const bool is_mmx = form.kind == Kind::kMmx;
  // The stack has room for what is pushed. MMX has no stack.
  const unsigned top = is_mmx ? 0 : 4;
  xsave[3] = uint8_t(top << 3 | (random() & 0x47));
  xsave[4] = is_mmx ? 0xff : 0xf0;
  for (unsigned i = 0; i < (is_mmx ? 8u : 4u); ++i) {
    uint8_t* const st = xsave + 32 + 16 * i;
    fill(st, 8, is_mmx ? sample : 0, random);
    uint16_t top_bits = 0xffff;
    if (!is_mmx) {
      st[7] |= 0x80;
      top_bits = uint16_t((0x3ffb + random() % 10) | (random() & 1) << 15);
      if (sample % 8 == 5 && i < 2) {
        std::memset(st, 0, 8);
        top_bits = 0;
      }
    }
    std::memcpy(st + 8, &top_bits, 2);
  }
}

}  // namespace

World make_world(const Form& form, const Machine& machine, unsigned sample,
                 std::mt19937_64& random) {
  World world{};
  Registers& r = world.registers;
  for (uint64_t& gpr : r.gprs) gpr = random_word(sample, random);
  r.gprs[4] = machine.address(kSource);
  r.gprs[5] = machine.address(kTarget);
  r.gprs[6] = machine.address(kFrame);
  r.gprs[7] = machine.address(kStack);
  r.flags = 0x202 | (random() & 0x8d5);

  uint8_t* const x = r.xsave;
  const uint16_t control = 0x37f;
  const uint32_t mxcsr = 0x1f80;
  std::memcpy(x, &control, 2);
  std::memcpy(x + 24, &mxcsr, 4);
  x[512] = 7;  // all three components are in what is restored
  for (unsigned i = 0; i < 16; ++i) {
    fill(x + 160 + 16 * i, 16, sample + (sample % 3 == 0 ? i : 0), random);
    fill(x + 576 + 16 * i, 16, sample, random);
  }
  make_x87(x, form, sample, random);
  fill(world.memory, kMemory, sample, random);

  switch (form.kind) {
    case Kind::kDivide:
      r.gprs[3] = sample % 2 == 0 ? 0 : random() % 3;
      r.gprs[0] &= sample % 3 == 0 ? 0x3fu : 0x7fffffffu;
      if (std::string_view(form.text).find("[") == std::string_view::npos &&
          std::string_view(form.text).back() == 'l')
        r.gprs[0] &= 0x7ff;
      r.gprs[1] |= 0x4040404040404040;
      for (size_t i = 0; i < 8; ++i) world.memory[kSource + i] |= 0x40;
      break;
    case Kind::kBitInMemory:
      r.gprs[1] = random() % 32;
      break;
    case Kind::kTranslate:
      r.gprs[1] = machine.address(kSource);
      break;
    case Kind::kString:
      r.gprs[2] = sample % 5;
      break;
    case Kind::kRestoreArea:
      std::memcpy(world.memory + kSource, x, 512);
      fill(world.memory + kSource + 160, 256, sample + 1, random);
      break;
    case Kind::kPop:
      if (std::string_view(form.text).starts_with("popf")) {
        const uint64_t image = 0x202 | (random() & 0x8d5);
        std::memcpy(world.memory + kStack, &image, 8);
      }
      break;
    default:
      break;
  }
  return world;
}

}  // namespace fptrace::emu::taint::oracle
