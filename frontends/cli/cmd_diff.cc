#include "common/base/text.h"
#include "fingerprint/diff.h"

#include <sstream>

#include "common/base/json_text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/manifest_verbs.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {{0, "json", "", "the differences as JSON"}};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace diff: " << what << '\n';
  return {kToolFailed};
}

char mark(DiffKind kind) {
  return kind == DiffKind::kAdded ? '+' : kind == DiffKind::kRemoved ? '-' : '~';
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& s : list) out += (out.empty() ? "" : ", ") + printable(s);
  return out;
}

std::string field_text(const FieldDiff& f) {
  if (f.from.empty()) return f.field + ": + " + joined(f.to);
  if (f.to.empty()) return f.field + ": - " + joined(f.from);
  return f.field + ": " + joined(f.from) + " -> " + joined(f.to);
}

// Where "added" would say the wrong thing: nothing was added to a manifest's `missing`.
std::string_view title(std::string_view section) {
  if (section == "missing") return "looked for in vain";
  if (section == "symbols") return "symbol versions required";
  return section;
}

std::string diff_text(const ManifestDiff& d) {
  std::ostringstream out;
  for (const auto& section : d.sections()) {
    if (section.entries->empty()) continue;
    out << title(section.name) << ":\n";
    for (const DiffEntry& e : *section.entries) {
      out << "  " << mark(e.kind) << ' ' << printable(e.name);
      const bool directed = e.kind == DiffKind::kUpgraded || e.kind == DiffKind::kDowngraded;
      if (directed) out << " (" << to_string(e.kind) << ')';
      out << '\n';
      for (const FieldDiff& f : e.fields) out << "      " << field_text(f) << '\n';
    }
  }
  return out.str();
}

std::string diff_json(const std::string& a, const std::string& b, const ManifestDiff& d) {
  Json j{{"schema", "fptrace.diff/1"}};
  put(j, "from", a);
  put(j, "to", b);
  j["equal"] = d.equal();
  for (const auto& section : d.sections()) {
    Json& list = j[std::string(section.name)] = Json::array();
    for (const DiffEntry& e : *section.entries) {
      Json entry;
      entry["change"] = to_string(e.kind);
      put(entry, "name", e.name);
      for (const FieldDiff& f : e.fields) {
        Json field{{"field", f.field}};
        put(field, "from", f.from);
        put(field, "to", f.to);
        entry["fields"].push_back(std::move(field));
      }
      list.push_back(std::move(entry));
    }
  }
  return lines(j);
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  return diff_manifests(ctx, kDiff, args, args.operands());
}

}  // namespace

ExitStatus diff_manifests(const Context& ctx, const Subcommand& command, const Arguments& args,
                          std::span<const std::string> operands) {
  if (operands.size() != 2) return usage_error(ctx, command, "name two manifests to compare");
  const auto a = read_whole_input(operands[0]);
  if (!a) return failed(ctx, a.error().what);
  const auto b = read_whole_input(operands[1]);
  if (!b) return failed(ctx, b.error().what);
  const ManifestDiff d = diff(*a, *b);
  ctx.out << (args.has("json") ? diff_json(operands[0], operands[1], d) : diff_text(d))
          << std::flush;
  if (!ctx.out) return failed(ctx, "cannot write to standard output");
  return {d.equal() ? 0 : 1};
}

const Subcommand kDiff{
    "diff", "A B", "what differs between two manifests", kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
