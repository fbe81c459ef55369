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

// Whether the next instruction of its block follows for certain.
enum class Follows : uint8_t {
  kPerhaps,   // it may fault or reach a device, or there is a doubt
  kInKernel,  // in the kernel it does: all it touches are the stack, by rsp, the kernel's own
              // variables, by rip, and the processor's, by gs. They are always there, and RAM
  kAlways,    // it touches neither memory nor a device and raises no exception
};

// Of one whole instruction, too. kInKernel holds for 64-bit code only.
Follows what_follows(const uint8_t* bytes, size_t size);

}  // namespace fptrace::emu
