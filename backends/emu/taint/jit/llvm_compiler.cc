// The module that the plugin loads when blocks get hot: all of LLVM is behind its three functions.
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <string>

#include "backends/emu/taint/jit/translator.h"

namespace fptrace::emu::taint::jit {
namespace {

// The translator leaves little to be done: shuffles of shuffles, and equal ones.
constexpr char kPasses[] = "early-cse,instcombine<no-verify-fixpoint>,early-cse,adce";

bool succeeded(LLVMErrorRef error) {
  if (!error) return true;
  LLVMConsumeError(error);
  return false;
}

class Compiler {
 public:
  explicit Compiler(const Helpers& helpers) : helpers_(helpers) {}
  ~Compiler() {
    if (jit_) LLVMConsumeError(LLVMOrcDisposeLLJIT(jit_));
  }
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  bool prepare() {
    return !LLVMInitializeNativeTarget() && !LLVMInitializeNativeAsmPrinter() &&
           succeeded(LLVMOrcCreateLLJIT(&jit_, nullptr));  // for this very processor
  }

  CompiledCode compile(const Plan& plan) {
    const std::string name = "block" + std::to_string(count_++);
    const LLVMOrcThreadSafeContextRef context = LLVMOrcCreateNewThreadSafeContext();
    const LLVMModuleRef module = LLVMModuleCreateWithNameInContext(
        name.c_str(), LLVMOrcThreadSafeContextGetContext(context));
    LLVMSetDataLayout(module, LLVMOrcLLJITGetDataLayoutStr(jit_));
    LLVMSetTarget(module, LLVMOrcLLJITGetTripleString(jit_));
    Translator(module, name.c_str(), helpers_, plan).translate();
    const LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    const bool passed = succeeded(LLVMRunPasses(module, kPasses, nullptr, options));
    LLVMDisposePassBuilderOptions(options);
    const LLVMOrcThreadSafeModuleRef owned = LLVMOrcCreateNewThreadSafeModule(module, context);
    LLVMOrcDisposeThreadSafeContext(context);  // the module has a share of it
    if (!passed) {
      LLVMOrcDisposeThreadSafeModule(owned);
      return nullptr;
    }
    LLVMOrcExecutorAddress address = 0;
    if (!succeeded(LLVMOrcLLJITAddLLVMIRModule(jit_, LLVMOrcLLJITGetMainJITDylib(jit_), owned)) ||
        !succeeded(LLVMOrcLLJITLookup(jit_, &address, name.c_str())))
      return nullptr;
    return reinterpret_cast<CompiledCode>(address);
  }

 private:
  const Helpers& helpers_;
  LLVMOrcLLJITRef jit_ = nullptr;
  uint64_t count_ = 0;
};

}  // namespace
}  // namespace fptrace::emu::taint::jit

using namespace fptrace::emu::taint::jit;

#define FPTRACE_EXPORTED extern "C" __attribute__((visibility("default")))

FPTRACE_EXPORTED void* fptrace_taint_make_compiler(const Helpers* helpers) {
  auto* compiler = new Compiler(*helpers);
  if (compiler->prepare()) return compiler;
  delete compiler;
  return nullptr;
}

FPTRACE_EXPORTED CompiledCode fptrace_taint_compile(void* compiler, const Plan* plan) {
  return static_cast<Compiler*>(compiler)->compile(*plan);
}

FPTRACE_EXPORTED void fptrace_taint_destroy_compiler(void* compiler) {
  delete static_cast<Compiler*>(compiler);
}
