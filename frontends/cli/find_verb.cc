#include "frontends/cli/find_verb.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "backends/emu/tracer/find_observer.h"
#include "common/base/json_text.h"
#include "common/base/text.h"
#include "fingerprint/view/quantities.h"

namespace fptrace::cli {
namespace {

using Place = emu::FindObserver::Place;

std::string hex(uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::string code(const emu::StackFrame& frame) {
  return frame.object.empty() ? hex(frame.pc) : printable(frame.object) + "+" + hex(frame.offset);
}

std::string text(const Place& place) {
  std::string out = std::to_string(place.pid);
  if (place.tid != place.pid) out += "/" + std::to_string(place.tid);
  out += " " + printable(place.name) + ": " + (place.write ? "written " : "read ") +
         plural(place.hits, "time", "times") + " by ";
  if (place.kernel)
    out += "the kernel" +
           (place.function.function.empty()
                ? " at " + hex(place.pc)
                : ", " + printable(place.function.function) + "+" + hex(place.function.offset));
  else
    out += place.stack.empty() ? hex(place.pc) : code(place.stack.front());
  out += ", first at instruction " + std::to_string(place.instructions) + ", address " +
         hex(place.vaddr) + "\n";
  for (size_t i = place.kernel ? 0 : 1; i < place.stack.size(); ++i)
    out += "    called by " + code(place.stack[i]) + "\n";
  return out;
}

Json json(const Place& place) {
  Json j;
  j["pid"] = place.pid;
  j["tid"] = place.tid;
  put(j, "comm", place.name);
  j["access"] = place.write ? "write" : "read";
  j["code"] = place.kernel ? "kernel" : "user";
  j["pc"] = place.pc;
  put_nonempty(j, "function", place.function.function);
  if (!place.function.function.empty()) j["offset"] = place.function.offset;
  j["hits"] = place.hits;
  j["instructions"] = place.instructions;
  j["address"] = place.vaddr;
  j["physical"] = place.paddr;
  j["stack"] = Json::array();
  for (const auto& frame : place.stack) {
    Json f;
    f["pc"] = frame.pc;
    put_nonempty(f, "object", frame.object);
    if (!frame.object.empty()) f["offset"] = frame.offset;
    j["stack"].push_back(std::move(f));
  }
  return j;
}

class FindVerb final : public Verb {
 public:
  FindVerb(emu::FindObserver::Options options, bool json)
      : observer_(std::move(options)), json_(json) {}

  emu::Observer& observer() override { return observer_; }
  bool prints() const override { return true; }

  Result<void> write(const Context& ctx) override {
    const auto& places = observer_.places();
    for (const Place& place : places)
      ctx.out << (json_ ? fptrace::cli::json(place).dump() + "\n" : fptrace::cli::text(place));
    const uint64_t all = places.size() + observer_.other_places();
    if (!json_)
      ctx.out << plural(observer_.hits(), "hit", "hits") << " at " << plural(all, "place", "places")
              << '\n';
    ctx.out.flush();
    if (observer_.other_places() > 0)
      ctx.err << "fptrace: "
              << plural(observer_.other_places(), "more place was", "more places were")
              << " hit; --find-places says how many are shown\n";
    return ctx.out ? Result<void>() : fail(Errc::kIo, "writing the output failed");
  }

 private:
  emu::FindObserver observer_;
  bool json_;
};

}  // namespace

Result<std::string> bytes_to_find(const std::string& text) {
  constexpr std::string_view kHex = "hex:";
  std::string out = text;
  if (text.starts_with(kHex)) {
    out.clear();
    const std::string_view digits = std::string_view(text).substr(kHex.size());
    for (size_t i = 0; i < digits.size(); i += 2) {
      uint8_t byte = 0;
      const std::string_view two = digits.substr(i, 2);
      const auto [end, error] = std::from_chars(two.data(), two.data() + two.size(), byte, 16);
      if (error != std::errc{} || two.size() != 2 || end != two.data() + two.size())
        return fail(Errc::kParse, "--find: after hex: come pairs of hexadecimal digits");
      out += char(byte);
    }
  }
  if (out.empty() || out.size() > emu::kLongestFind)
    return fail(Errc::kParse,
                "--find looks for 1 to " + std::to_string(emu::kLongestFind) + " bytes");
  return out;
}

Result<std::unique_ptr<Verb>> find_verb(const Arguments& args) {
  emu::FindObserver::Options options;
  auto bytes = bytes_to_find(args.value("find"));
  if (!bytes) return fail(bytes.error());
  options.bytes = *std::move(bytes);
  const std::string where = args.value("find-in", "all");
  if (where == "user") options.where = emu::kFindUserCode;
  if (where == "kernel") options.where = emu::kFindKernelCode;
  if (args.has("find-places")) {
    const auto most = parse_number(args.value("find-places"), 1, 1'000'000);
    if (!most) return fail(Errc::kParse, "--find-places: " + most.error().what);
    options.most_places = uint32_t(*most);
  }
  return std::unique_ptr<Verb>(std::make_unique<FindVerb>(std::move(options), args.has("json")));
}

}  // namespace fptrace::cli
