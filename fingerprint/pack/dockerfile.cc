#include "fingerprint/pack/dockerfile.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/base/text.h"

namespace fptrace::pack {
namespace {

// A double-quoted word as the Dockerfile reference has it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool can_be_said(const std::string& text) {
  return is_utf8(text) && text.find_first_of("\n\r") == text.npos;
}

std::string install(const Installable& what) {
  std::set<std::string> foreign;
  std::string names;
  for (const Package& p : what.packages) {
    const bool native = p.arch == what.arch || p.arch == "all";
    if (!native) foreign.insert(p.arch);
    names += " \\\n      " + p.name + (native ? "" : ":" + p.arch) + "=" + p.version;
  }
  if (names.empty()) return "";
  std::string out =
      "# The versions of the trace. One that the mirror has no more is in Debian's snapshot\n"
      "# archive, or take the version away.\nRUN ";
  for (const std::string& arch : foreign) out += "dpkg --add-architecture " + arch + " && ";
  return out + "apt-get update && apt-get install -y --no-install-recommends --allow-downgrades" +
         names + " \\\n && rm -rf /var/lib/apt/lists/*\n";
}

}  // namespace

std::string base_image(const std::string& os) {
  for (const auto& [name, image] :
       {std::pair<std::string_view, std::string>{"Debian GNU/Linux ", "debian:"},
        {"Ubuntu ", "ubuntu:"}}) {
    if (!os.starts_with(name)) continue;
    std::string version = os.substr(name.size());
    version = version.substr(0, version.find_first_not_of("0123456789."));
    // A point release (22.04.3) has no image of its own.
    if (const size_t dots = size_t(std::ranges::count(version, '.')); dots > 1)
      version = version.substr(0, version.rfind('.'));
    return version.empty() ? "" : image + version;
  }
  return "";
}

Result<std::string> dockerfile(const PackCommand& c, const std::string& base,
                               const Installable& what, std::vector<Note>& notes) {
  std::string out = "# Made by fptrace pack: " + std::string("what the program needs to run.\n");
  out += "FROM " + (base.empty() ? "scratch" : base) + "\n";
  if (!base.empty()) out += install(what);
  out += "ADD files.tar /\n";
  for (const auto& [name, value] : c.environment) {
    const bool plain = can_be_said(name + value) && name.find_first_of(" \t\"'\\$") == name.npos;
    if (plain)
      out += "ENV " + name + "=" + quoted(value) + "\n";
    else
      notes.push_back({"", "the variable " + printable(name) +
                               " is left out: a Dockerfile cannot say its value"});
  }
  if (!can_be_said(c.cwd))
    return fail(Errc::kUnsupported, "the directory \"" + printable(c.cwd) +
                                        "\" cannot be said in a Dockerfile; use --format dir");
  out += "WORKDIR " + quoted(c.cwd) + "\n";
  if (c.argv.empty()) return out;
  if (!std::ranges::all_of(c.argv, is_utf8))
    return fail(Errc::kUnsupported,
                "an argument is not UTF-8, which a Dockerfile cannot say; use --format dir");
  return out + "CMD " + nlohmann::json(c.argv).dump() + "\n";
}

}  // namespace fptrace::pack
