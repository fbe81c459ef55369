#include "frontends/cli/timeline_verb.h"

#include "backends/emu/tracer/switches.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/view/timeline_view.h"
#include "frontends/cli/terminal.h"

namespace fptrace::cli {
namespace {

class Recorder final : public emu::Switches {
 public:
  const Timeline& timeline() const { return timeline_; }

 private:
  static Timeline::Who key(const emu::Runner& who) {
    switch (who.kind) {
      case emu::Runner::Kind::kIdle:
        return {Timeline::Kind::kIdle};
      case emu::Runner::Kind::kKernelThread:
        return {Timeline::Kind::kKernel};
      case emu::Runner::Kind::kProcess:
        break;
    }
    return {Timeline::Kind::kProcess, who.pid, who.start};
  }
  void runs(uint64_t time, const emu::Runner& who) override {
    timeline_.runs(time, key(who), who.name);
  }
  void renamed(const std::string& name) override { timeline_.named(name); }
  void ends(uint64_t time) override { timeline_.ends(time); }

  Timeline timeline_;
};

class TimelineVerb final : public Verb {
 public:
  TimelineVerb(std::string file, bool json, std::string title)
      : file_(std::move(file)), title_(std::move(title)), json_(json) {}

  emu::Observer& observer() override { return recorder_; }
  bool prints() const override { return file_.empty(); }

  Result<void> write(const Context& ctx) override {
    const Timeline& timeline = recorder_.timeline();
    const bool json = file_.empty() ? json_ : file_.ends_with(".json");
    std::string text;
    if (json)
      text = timeline_json(timeline);
    else if (file_.ends_with(".svg"))
      text = timeline_svg(timeline, title_);
    else
      text = timeline_text(timeline, output_style(!file_.empty(), false));
    if (!file_.empty()) return write_whole_file(file_, text);
    ctx.out << text << std::flush;
    return ctx.out ? Result<void>() : fail(Errc::kIo, "writing the output failed");
  }

 private:
  std::string file_, title_;
  bool json_;
  Recorder recorder_;
};

}  // namespace

std::unique_ptr<Verb> timeline_verb(std::string file, bool json, std::string title) {
  return std::make_unique<TimelineVerb>(std::move(file), json, std::move(title));
}

}  // namespace fptrace::cli
