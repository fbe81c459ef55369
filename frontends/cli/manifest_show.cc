#include <map>
#include <sstream>

#include "common/base/text.h"
#include "fingerprint/package_json.h"
#include "fingerprint/view/quantities.h"
#include "fingerprint/view/table.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/manifest_verbs.h"

namespace fptrace::cli {
namespace {

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace manifest: " << what << '\n';
  return {kToolFailed};
}

std::string owner(const ManifestFile& f) {
  return f.package ? printable(f.package->name + " " + f.package->version) : "";
}

std::string size_text(const ManifestFile& f) { return f.size ? byte_count(*f.size) : ""; }

bool is_program(const ManifestFile& f) {
  return f.roles.has(Role::kExecutable) || f.roles.has(Role::kScript) ||
         f.roles.has(Role::kInterpreter);
}

// What a file is shown as: once, under the heading that says most about it.
std::string heading(const ManifestFile& f) {
  if (is_program(f)) return "programs";
  if (f.roles.has(Role::kLibrary)) {
    return "libraries, " +
           std::string(f.linkage == Linkage::kUnknown ? "linkage unknown" : to_string(f.linkage));
  }
  if (f.roles.has(Role::kData)) return "data";
  if (f.roles.has(Role::kDirectory)) return "directories listed";
  if (f.roles.has(Role::kSocket)) return "sockets";
  return "asked about only";
}

constexpr std::string_view kHeadings[] = {"programs",
                                          "libraries, interp",
                                          "libraries, needed",
                                          "libraries, preload",
                                          "libraries, dlopen",
                                          "libraries, linkage unknown",
                                          "data",
                                          "directories listed",
                                          "sockets",
                                          "asked about only"};

class Screen {
 public:
  explicit Screen(const Manifest& manifest) : m_(manifest) {}

  std::string render() {
    command();
    files();
    packages();
    outputs();
    missing();
    coverage();
    return out_.str();
  }

 private:
  void command() {
    std::string line;
    for (const std::string& a : m_.argv) line += (line.empty() ? "" : " ") + printable(a);
    Table table;
    table.add({"command", line});
    table.add({"directory", printable(m_.cwd)});
    table.add({"ended", !m_.exit               ? "trace cut short"
                        : m_.exit->signal != 0 ? "signal " + std::to_string(m_.exit->signal)
                                               : "exit " + std::to_string(m_.exit->code)});
    table.add(
        {"host", printable(m_.os) + ", " + printable(m_.kernel) + ", " + printable(m_.machine)});
    if (m_.processes) table.add({"processes", std::to_string(m_.processes->size())});
    table.print(out_);
  }

  void files() {
    std::map<std::string, Table> tables;
    std::map<std::string, uint64_t> counts;
    for (const ManifestFile& f : m_.files) {
      const std::string head = heading(f);
      ++counts[head];
      tables[head].add({printable(f.path), size_text(f), owner(f), printable(f.found_by)});
    }
    for (const auto head : kHeadings) {
      const auto it = tables.find(std::string(head));
      if (it == tables.end()) continue;
      out_ << '\n' << head << " (" << counts[it->first] << ")\n";
      it->second.print(out_, "  ");
    }
  }

  void packages() {
    if (m_.packages.empty()) return;
    out_ << "\npackages (" << m_.packages.size() << ")\n";
    Table table;
    for (const PackageUse& u : m_.packages) {
      table.add({printable(u.package.name), printable(u.package.version), printable(u.package.arch),
                 plural(u.files, "file", "files")});
    }
    table.print(out_, "  ");
  }

  void outputs() {
    if (m_.outputs.empty()) return;
    out_ << "\nmade by the run (" << m_.outputs.size() << ")\n";
    Table table;
    for (const OutputFile& o : m_.outputs) {
      table.add({printable(o.path), o.type == FileType::kRegular
                                        ? (o.size ? byte_count(*o.size) : "")
                                        : std::string(to_string(o.type))});
    }
    table.print(out_, "  ");
  }

  void missing() {
    if (m_.missing.empty()) return;
    out_ << "\nlooked for in vain (" << m_.missing.size() << ")\n";
    Table table;
    for (const MissingFile& f : m_.missing) table.add({printable(f.path), printable(f.error)});
    table.print(out_, "  ");
  }

  void coverage() {
    out_ << "\ncoverage: " << (m_.complete ? "complete" : "incomplete") << '\n';
    for (const Undecoded& u : m_.undecoded) {
      out_ << "  " << printable(u.what) << ": " << u.count << '\n';
    }
  }

  const Manifest& m_;
  std::ostringstream out_;
};

// The figures, not the lists: those are the manifest itself.
std::string show_json(const std::string& path, const Manifest& m) {
  Json j{{"schema", "fptrace.show/1"}};
  put(j, "manifest", path);
  put(j, "argv", m.argv);
  put(j, "cwd", m.cwd);
  if (m.exit)
    j["exit"] =
        m.exit->signal != 0 ? Json{{"signal", m.exit->signal}} : Json{{"code", m.exit->code}};
  std::map<std::string, std::vector<std::string>> groups;
  uint64_t bytes = 0;
  for (const ManifestFile& f : m.files) {
    groups[heading(f)].push_back(f.path);
    bytes += f.size.value_or(0);
  }
  j["files"] = m.files.size();
  j["bytes"] = bytes;
  Json& lists = j["groups"] = Json::object();
  for (const auto head : kHeadings) {
    const auto it = groups.find(std::string(head));
    if (it != groups.end()) put(lists, it->first, it->second);
  }
  j["packages"] = Json::array();
  for (const PackageUse& u : m.packages) {
    Json p = package_json(u.package);
    p["files"] = u.files;
    j["packages"].push_back(std::move(p));
  }
  j["missing"] = m.missing.size();
  j["outputs"] = m.outputs.size();
  j["complete"] = m.complete;
  return lines(j);
}

}  // namespace

ExitStatus show_manifest(const Context& ctx, const Arguments& args,
                         std::span<const std::string> operands) {
  if (operands.size() != 1) return usage_error(ctx, kManifest, "show: name one manifest");
  ManifestOptions options;
  options.with_processes = true;
  const auto manifest = read_whole_input(operands[0], options);
  if (!manifest) return failed(ctx, manifest.error().what);
  ctx.out << (args.has("json") ? show_json(operands[0], *manifest) : Screen(*manifest).render())
          << std::flush;
  return ctx.out ? ExitStatus{} : failed(ctx, "cannot write to standard output");
}

}  // namespace fptrace::cli
