#pragma once
#include <cstddef>
#include <cstdint>

namespace fptrace::emu {

// The instructions by which control passes between a program and the kernel, and those after which
// addresses may lead elsewhere.
enum class InstructionKind : uint8_t {
  kOther,
  kSyscall,
  kSysenter,
  kInt80,
  kCpuid,
  kSysretl,  // to 32-bit code
  kSysretq,
  kSysexit,
  kIret,
  kFlush,  // mov to a control register, invlpg, invpcid
};

// Of one whole instruction of 64-bit or 32-bit code. Prefixes make no difference: programs may
// put some before any instruction.
InstructionKind classify(const uint8_t* bytes, size_t size);

// It touches neither memory nor a device and raises no exception, so that the next one of its block
// follows for certain. Of a whole instruction, too; false if in doubt.
bool is_of_registers_only(const uint8_t* bytes, size_t size);

}  // namespace fptrace::emu
