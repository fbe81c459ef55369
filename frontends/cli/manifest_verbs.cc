#include "frontends/cli/manifest_verbs.h"

#include <algorithm>

#include "frontends/cli/commands.h"

namespace fptrace::cli {
namespace {

struct Verb {
  std::string_view name;
  std::vector<std::string_view> options;
};
const Verb* find_verb(const Arguments& args) {
  static const Verb kVerbs[] = {
      {"show", {"json"}}, {"query", {"json", "package", "soname", "symbol"}}, {"diff", {"json"}}};
  if (args.operands().empty() || args.has("static")) return nullptr;  // a file may have any name
  for (const Verb& v : kVerbs) {
    if (v.name == args.operands()[0]) return &v;
  }
  return nullptr;
}

// The first option given that does not go with the verb; without one, with making a manifest.
std::string misplaced_option(const Verb* verb, const Arguments& args) {
  const auto of_verbs = [](std::string_view name) {
    return std::ranges::any_of(kManifestVerbOptions,
                               [&](const Option& o) { return o.name == name; });
  };
  for (const Option& o : kManifest.options) {
    if (!args.has(o.name)) continue;
    const bool fits = verb == nullptr
                          ? !of_verbs(o.name)
                          : std::ranges::find(verb->options, o.name) != verb->options.end();
    if (!fits) return std::string(o.name);
  }
  return "";
}

}  // namespace

std::optional<ExitStatus> run_manifest_verb(const Context& ctx, const Arguments& args) {
  const Verb* verb = find_verb(args);
  if (const std::string option = misplaced_option(verb, args); !option.empty()) {
    return usage_error(ctx, kManifest,
                       verb == nullptr
                           ? "--" + option + " needs show, query or diff"
                           : "--" + option + " does not go with " + std::string(verb->name));
  }
  if (verb == nullptr) return std::nullopt;
  const auto operands = std::span(args.operands()).subspan(1);
  if (verb->name == "show") return show_manifest(ctx, args, operands);
  if (verb->name == "query") return query_manifest(ctx, args, operands);
  return diff_manifests(ctx, kManifest, args, operands);
}

}  // namespace fptrace::cli
