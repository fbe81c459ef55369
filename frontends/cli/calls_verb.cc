#include "frontends/cli/calls_verb.h"

#include "backends/emu/tracer/call_observer.h"
#include "common/base/json_text.h"
#include "common/base/text.h"
#include "common/log/text.h"
#include "frontends/cli/report_file.h"

namespace fptrace::cli {
namespace {

using emu::ObservedCall;

std::string text_line(const ObservedCall& call) {
  std::string out = std::to_string(call.pid);
  if (call.tid != call.pid) out += "/" + std::to_string(call.tid);
  out += " " + printable(call.name) + " " + call.text.name + "(";
  for (size_t i = 0; i < call.text.args.size(); ++i)
    out += (i == 0 ? "" : ", ") + call.text.args[i];
  out += ") = ";
  switch (call.how) {
    case ObservedCall::End::kReturned:
      return out + result_text(call.call, call.result) + "\n";
    case ObservedCall::End::kRestarted:
      return out + "? (interrupted)\n";
    case ObservedCall::End::kNever:
      break;
  }
  return out + "?\n";
}

std::string json_line(const ObservedCall& call) {
  static constexpr const char* kAbis[] = {"x86_64", "i386", "x32"};
  Json j;
  j["pid"] = call.pid;
  j["tid"] = call.tid;
  put(j, "comm", call.name);
  j["instructions"] = {call.begin, call.end};
  j["abi"] = kAbis[size_t(call.call.abi)];
  j["call"] = call.text.name;
  j["number"] = call.call.nr;
  j["args"] = call.text.args;
  j["raw"] = call.call.args;
  if (call.how == ObservedCall::End::kRestarted) j["interrupted"] = true;
  if (call.how == ObservedCall::End::kReturned) {
    j["result"] = call.result;
    if (call.result < 0 && call.result >= -4095) j["error"] = errno_name(int(-call.result));
  }
  return j.dump() + "\n";
}

class CallsVerb final : public Verb {
 public:
  CallsVerb(const Context& ctx, std::string file, bool json)
      : file_(std::move(file)), observer_([this, &ctx, json](const ObservedCall& call) {
          return file_.add(ctx, json ? json_line(call) : text_line(call));
        }) {}

  emu::Observer& observer() override { return observer_; }
  bool prints() const override { return file_.to_standard_output(); }
  bool wants_all_calls() const override { return true; }
  Result<void> write(const Context& ctx) override { return file_.finish(ctx); }

 private:
  ReportFile file_;
  emu::CallObserver observer_;
};

}  // namespace

std::unique_ptr<Verb> calls_verb(const Context& ctx, std::string file, bool json) {
  return std::make_unique<CallsVerb>(ctx, std::move(file), json);
}

}  // namespace fptrace::cli
