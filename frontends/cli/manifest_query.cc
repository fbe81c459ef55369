#include <sstream>

#include "common/base/text.h"
#include "fingerprint/package_json.h"
#include "fingerprint/query.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/manifest_verbs.h"

namespace fptrace::cli {
namespace {

constexpr size_t kShown = 8;  // of each list, for a person; JSON has all

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace manifest: " << what << '\n';
  return {kToolFailed};
}

class TextAnswer {
 public:
  std::string render(const std::vector<QueryAnswer>& answers) {
    for (const QueryAnswer& a : answers) render(a);
    return out_.str();
  }

 private:
  void field(const char* name, const std::string& value) {
    if (value.empty()) return;
    std::string label = "  " + std::string(name);
    label.resize(14, ' ');
    out_ << label << printable(value) << '\n';
  }
  void list(const char* name, const std::vector<std::string>& values) {
    for (size_t i = 0; i < values.size() && i < kShown; ++i) field(i == 0 ? name : "", values[i]);
    if (values.size() > kShown)
      field("", "and " + std::to_string(values.size() - kShown) + " more");
  }

  static std::string chain_text(const std::vector<ChainStep>& chain) {
    std::string out;
    for (const ChainStep& s : chain) {
      out += (s.how.empty() ? "" : " -(" + s.how + ")-> ") + s.path;
    }
    return out;
  }

  static std::string process_text(const ManifestProcess& p) {
    std::string out = std::to_string(p.id) + " (pid " + std::to_string(p.pid) + "):";
    for (const std::string& a : p.argv) out += " " + a;
    return out;
  }

  void render(const FileAnswer& a) {
    const ManifestFile& f = *a.file;
    out_ << printable(f.path) << '\n';
    std::string roles;
    for (size_t i = 0; i < kRoleNames.size(); ++i) {
      if (f.roles.has(Role(i))) roles += (roles.empty() ? "" : ", ") + std::string(kRoleNames[i]);
    }
    field("roles", roles);
    if (f.package)
      field("package", f.package->name + " " + f.package->version + " (" + f.package->arch + ")");
    for (const Package& p : f.other_packages)
      field("also of", p.name + " " + p.version + " (" + p.arch + ")");
    list("used as", f.as_used);
    list("links", f.links);
    field("linkage", std::string(to_string(f.linkage)));
    field("found by", f.found_by);
    list("opened by", f.opened_by);
    list("openers", f.openers);
    std::vector<std::string> chains, processes;
    for (const auto& c : a.chains) chains.push_back(chain_text(c));
    for (const ManifestProcess* p : a.processes) processes.push_back(process_text(*p));
    list("chain", chains);
    list("needed by", a.needed_by);
    list("process", processes);
  }

  void render(const QueryAnswer& answer) {
    for (const FileAnswer& a : answer.files) render(a);
    for (const MissingFile* m : answer.missing) {
      out_ << printable(m->path) << "\n  looked for in vain: " << printable(m->error) << '\n';
    }
    for (const OutputFile* o : answer.outputs) {
      out_ << printable(o->path) << "\n  made by the run\n";
    }
    if (answer.required_by.empty()) return;
    out_ << printable(answer.asked) << '\n';
    std::vector<std::string> objects;
    for (const SymbolUse& u : answer.required_by)
      objects.push_back(u.object + ": " + u.requirement);
    for (const std::string& o : objects) field("required by", o);
  }

  std::ostringstream out_;
};

Json to_json(const FileAnswer& a) {
  const ManifestFile& f = *a.file;
  Json j;
  put(j, "path", f.path);
  j["roles"] = Json::array();
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (f.roles.has(Role(i))) j["roles"].push_back(kRoleNames[i]);
  }
  if (f.package) j["package"] = package_json(*f.package);
  for (const Package& p : f.other_packages) j["other_packages"].push_back(package_json(p));
  put(j, "as_used", f.as_used);
  put(j, "links", f.links);
  if (f.linkage != Linkage::kUnknown) j["linkage"] = to_string(f.linkage);
  if (!f.found_by.empty()) put(j, "found_by", f.found_by);
  put(j, "opened_by", f.opened_by);
  put(j, "openers", f.openers);
  j["chains"] = Json::array();
  for (const auto& chain : a.chains) {
    Json steps = Json::array();
    for (const ChainStep& s : chain) {
      Json step;
      put(step, "path", s.path);
      if (!s.how.empty()) step["how"] = s.how;
      steps.push_back(std::move(step));
    }
    j["chains"].push_back(std::move(steps));
  }
  put(j, "needed_by", a.needed_by);
  for (const ManifestProcess* p : a.processes) {
    Json process{{"id", p->id}, {"pid", p->pid}};
    put(process, "program", p->program);
    put(process, "argv", p->argv);
    j["processes"].push_back(std::move(process));
  }
  return j;
}

std::string query_json(const std::string& manifest, const std::vector<QueryAnswer>& answers) {
  Json j{{"schema", "fptrace.query/1"}};
  put(j, "manifest", manifest);
  j["answers"] = Json::array();
  for (const QueryAnswer& a : answers) {
    Json answer{{"kind", a.kind}};
    put(answer, "asked", a.asked);
    answer["found"] = a.found();
    answer["files"] = Json::array();
    for (const FileAnswer& f : a.files) answer["files"].push_back(to_json(f));
    for (const SymbolUse& u : a.required_by) {
      Json use;
      put(use, "object", u.object);
      put(use, "requirement", u.requirement);
      answer["required_by"].push_back(std::move(use));
    }
    for (const MissingFile* m : a.missing) {
      Json missing;
      put(missing, "path", m->path);
      put(missing, "errno", m->error);
      answer["missing"].push_back(std::move(missing));
    }
    for (const OutputFile* o : a.outputs) {
      Json output;
      put(output, "path", o->path);
      answer["outputs"].push_back(std::move(output));
    }
    j["answers"].push_back(std::move(answer));
  }
  return lines(j);
}

}  // namespace

ExitStatus query_manifest(const Context& ctx, const Arguments& args,
                          std::span<const std::string> operands) {
  if (operands.empty()) return usage_error(ctx, kManifest, "query: name a manifest");
  Query asked;
  asked.paths.assign(operands.begin() + 1, operands.end());
  asked.packages = args.values("package");
  asked.sonames = args.values("soname");
  asked.symbols = args.values("symbol");
  ManifestOptions options;
  options.with_processes = true;
  const auto manifest = read_whole_input(operands[0], options);
  if (!manifest) return failed(ctx, manifest.error().what);
  const auto answers = query(*manifest, asked);
  if (answers.empty()) {
    return usage_error(ctx, kManifest, "query: name a path, or --package, --soname or --symbol");
  }
  ctx.out << (args.has("json") ? query_json(operands[0], answers) : TextAnswer().render(answers))
          << std::flush;
  if (!ctx.out) return failed(ctx, "cannot write to standard output");
  bool all = true;
  for (const QueryAnswer& a : answers) {
    if (a.found()) continue;
    all = false;
    ctx.err << "fptrace manifest: " << printable(operands[0]) << " has no " << a.kind << " "
            << printable(a.asked) << '\n';
  }
  return {all ? 0 : 1};
}

}  // namespace fptrace::cli
