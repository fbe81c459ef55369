#include "backends/emu/image/image.h"

#include <nlohmann/json.hpp>

namespace fptrace::emu {
namespace {

using nlohmann::json;

}  // namespace

std::string to_json(const Image& i) {
  const json j{
      {"format", kImageFormat},
      {"name", i.name},
      {"recipe", i.recipe},
      {"kernel", {{"release", i.kernel_release}, {"origin", i.kernel_origin}, {"btf", i.has_btf}}},
      {"qemu", i.qemu},
      {"state", i.state},
      {"machine",
       {{"cpu", i.machine.cpu},
        {"memory_mib", i.machine.memory_mib},
        {"icount_shift", i.machine.icount_shift}}}};
  return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Image> parse_image(std::string_view text) {
  const json j = json::parse(text, nullptr, false);
  try {
    Image i;
    i.name = j.at("name").get<std::string>();
    // Of another version of fptrace: good for being listed and removed.
    if (j.at("format").get<int>() != kImageFormat) return i;
    i.recipe = j.at("recipe").get<std::string>();
    const json& kernel = j.at("kernel");
    i.kernel_release = kernel.at("release").get<std::string>();
    i.kernel_origin = kernel.at("origin").get<std::string>();
    i.has_btf = kernel.at("btf").get<bool>();
    i.qemu = j.at("qemu").get<std::string>();
    i.state = j.at("state").get<std::string>();
    const json& machine = j.at("machine");
    i.machine.cpu = machine.at("cpu").get<std::string>();
    i.machine.memory_mib = machine.at("memory_mib").get<uint32_t>();
    i.machine.icount_shift = machine.at("icount_shift").get<uint32_t>();
    if (auto ok = check(i.machine); !ok) return fail(ok.error());
    return i;
  } catch (const json::exception&) {
    return fail(Errc::kParse, "the description of the image is damaged");
  }
}

}  // namespace fptrace::emu
