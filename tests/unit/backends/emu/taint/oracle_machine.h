#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace fptrace::emu::taint::oracle {

// As in oracle_forms.S.
enum class Kind : uint32_t {
  kPlain,
  kPush,
  kPop,
  kString,
  kDivide,
  kBitInMemory,
  kX87,
  kMmx,
  kLzcnt,
  kTranslate,
  kSaveArea,
  kTzcnt,
  kRestoreArea,
  kPopToMemory,
  kPushFromMemory,
  kMasked,
  kLeave,
};
enum class Class : uint32_t {
  kInteger,
  kShifts,
  kMultiply,
  kBits,
  kMoves,
  kConditions,
  kStack,
  kStrings,
  kFloats,
  kIntegersSse,
  kMovesSse,
  kCrypto,
  kFpu,
  kMultimedia,
  kAvx,
  kSystem,
  kCount,
};
const char* name_of(Class of);

struct Form {
  const uint8_t* code;
  const uint8_t* code_end;
  const char* text;  // in Intel's syntax
  Kind kind;
  Class of;
};

// The processor's registers, as oracle_run() in oracle_forms.S loads and stores them.
struct Registers {
  uint64_t gprs[16];  // by emu::Gpr
  uint64_t flags;
  alignas(64) uint8_t xsave[1024];
};

inline constexpr size_t kMemory = 2048;
// Where rsi, rdi, rsp and rbp point to.
inline constexpr size_t kSource = 256, kTarget = 1024, kStack = 1536, kFrame = 1600;

// All that an instruction may read or write.
struct World {
  Registers registers;
  alignas(64) uint8_t memory[kMemory];

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this); }
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this); }
};

// Runs forms on this very processor. One at a time.
class Machine {
 public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Empty, or why there can be none.
  static std::string why_not();

  // `world` after the instruction. The signal that stopped it, or 0.
  int run(const Form& form, const World& before, World& after);
  // For rsi and so on: the address of live memory.
  uint64_t address(size_t offset) const;

 private:
  struct Handlers;
  Handlers* handlers_;
};

// What is there before an instruction: of a kind of randomness that depends on `sample`.
World make_world(const Form& form, const Machine& machine, unsigned sample,
                 std::mt19937_64& random);

}  // namespace fptrace::emu::taint::oracle
