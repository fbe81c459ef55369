#include "common/syscall/decoded_call.h"

// Calls behind which the kernel works unseen: GapEvent.

namespace fptrace {
namespace {

class GapCall : public DecodedCall {
 public:
  GapCall(std::string_view what, bool sleeps, std::string detail)
      : what_(what), detail_(std::move(detail)) {
    may_block(sleeps);
  }
  void finish(Scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok()) out.emplace_back(GapEvent{std::string(what_), detail_});
  }

 private:
  std::string_view what_;
  std::string detail_;
};

Handler gap(std::string_view what, bool sleeps) {
  return [what, sleeps](Scene, const Arguments&) {
    return std::make_unique<GapCall>(what, sleeps, "");
  };
}

// What the loaded code does, and the programs it starts, run in the kernel's name.
Handler gap_of_descriptor(std::string_view what) {
  return [what](Scene scene, const Arguments& args) {
    const auto file = scene.task.descriptor_file(args.i32(0));
    return std::make_unique<GapCall>(what, true, file ? file->path : "");
  };
}

std::unique_ptr<DecodedCall> enter_request_key(Scene scene, const Arguments& args) {
  return std::make_unique<GapCall>("request_key", true,
                                   read_string(scene.task, args.word(1), 256).text);
}

}  // namespace

void add_gap_calls(Handlers& handlers) {
  handlers["io_uring_enter"] = gap("io_uring_enter", true);
  handlers["io_uring_setup"] = gap("io_uring_setup", false);
  handlers["init_module"] = gap("init_module", true);
  handlers["finit_module"] = gap_of_descriptor("finit_module");
  handlers["kexec_file_load"] = gap_of_descriptor("kexec_file_load");
  handlers["request_key"] = enter_request_key;
}

}  // namespace fptrace
