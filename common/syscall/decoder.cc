#include "common/syscall/decoder.h"

#include <linux/sched.h>

#include "common/syscall/decoded_call.h"
#include "common/syscall/table.h"

namespace fptrace {
namespace {

// Results that the kernel keeps to itself: the call will run again (include/linux/errno.h).
bool runs_again(int64_t result) {
  return result == -512 || result == -513 || result == -514 || result == -516;
}

// A call that is younger than the table.
class UnknownCall : public DecodedCall {
 public:
  explicit UnknownCall(const SyscallCall& call) {
    constexpr const char* kPrefix[] = {"", "i386 ", "x32 "};  // by Abi
    what_ = kPrefix[size_t(call.abi)] + ("syscall " + std::to_string(call.nr));
    may_block(true);
  }
  void finish(Scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.error != ENOSYS) out.emplace_back(GapEvent{what_, ""});
  }

 private:
  std::string what_;
};

// Handlers in the order of the table's rows; empty where a call is never an event.
std::vector<Handler> handlers_by_row() {
  Handlers handlers;
  add_open_calls(handlers);
  add_path_calls(handlers);
  add_name_calls(handlers);
  add_exec_calls(handlers);
  add_mount_calls(handlers);
  add_socket_calls(handlers);
  add_descriptor_calls(handlers);
  add_gap_calls(handlers);
  std::vector<Handler> by_row;
  for (const SyscallRow& row : syscall_table()) by_row.push_back(std::move(handlers[row.name]));
  return by_row;
}

}  // namespace

struct Decoder::Impl {
  PathResolver resolver;
  std::vector<Handler> handlers = handlers_by_row();
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

std::unique_ptr<PendingCall> Decoder::enter(TaskView& task, const SyscallCall& call) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (!row) return std::make_unique<UnknownCall>(call);
  if (attention(*row, call.args) == Attention::kNone) return nullptr;
  const Handler& handler = impl_->handlers[size_t(row - syscall_table().data())];
  if (!handler) return nullptr;  // a call that changes rights and nothing else
  return handler({task, impl_->resolver}, Arguments(call));
}

void Decoder::leave(TaskView& task, const PendingCall& call, int64_t result,
                    std::vector<EventBody>& out) {
  if (runs_again(result)) return;
  static_cast<const DecodedCall&>(call).finish({task, impl_->resolver}, Outcome(result), out);
}

bool Decoder::decodes(const SyscallRow& row) const {
  return impl_->handlers[size_t(&row - syscall_table().data())] != nullptr;
}

uint64_t clone_flags(TaskView& task, const SyscallCall& call) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  const std::string_view name = row ? row->name : std::string_view();
  const Arguments args(call);
  if (name == "vfork") return CLONE_VFORK | CLONE_VM;
  if (name == "clone") return args.word(0) & ~uint64_t{CSIGNAL};
  // struct clone_args begins with the flags, the exit signal is elsewhere.
  if (name == "clone3") return read_object<uint64_t>(task, args.word(0)).value_or(0);
  return 0;
}

}  // namespace fptrace
