#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "fingerprint/sbom/document.h"
#include "fingerprint/sbom/sbom.h"

// CycloneDX 1.5 (cyclonedx.org/docs/1.5/json). A package's files are components within it.

namespace fptrace {
namespace {

using Json = nlohmann::ordered_json;

void add_property(Json& to, const char* name, const std::string& value) {
  to["properties"].push_back({{"name", std::string("fptrace:") + name}, {"value", value}});
}

Json encode_file(const SbomFile& f) {
  Json j{{"type", "file"}, {"bom-ref", f.id}, {"name", readable(f.file->path)}};
  if (f.sha1) j["hashes"].push_back({{"alg", "SHA-1"}, {"content", to_hex(*f.sha1)}});
  if (f.file->sha256) {
    j["hashes"].push_back({{"alg", "SHA-256"}, {"content", to_hex(*f.file->sha256)}});
  }
  for (const std::string& role : role_names(*f.file)) add_property(j, "role", role);
  if (f.file->linkage != Linkage::kUnknown) {
    add_property(j, "linkage", std::string(to_string(f.file->linkage)));
  }
  if (!f.file->found_by.empty()) add_property(j, "found_by", printable(f.file->found_by));
  return j;
}

const char* type_name(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kApplication:
      return "application";
    case ComponentKind::kLibrary:
      return "library";
    case ComponentKind::kData:
      return "data";
  }
  return "data";
}

void add_facts(const PackageFacts& facts, Json& j) {
  if (!facts.supplier.empty()) {
    j["supplier"]["name"] = printable(facts.supplier);
    if (!facts.supplier_email.empty()) {
      j["supplier"]["contact"] = {{{"email", facts.supplier_email}}};
    }
  }
}

Json encode_component(const SbomComponent& c) {
  Json j{{"type", type_name(c.kind)}, {"bom-ref", c.id}};
  add_facts(c.facts, j);
  j["name"] = readable(c.package.name);
  if (!c.package.version.empty()) j["version"] = readable(c.package.version);
  if (c.facts.licence) j["licenses"] = {{{"expression", c.facts.licence->expression}}};
  if (!c.purl.empty()) j["purl"] = c.purl;
  if (!c.facts.homepage.empty()) {
    j["externalReferences"] = {{{"url", c.facts.homepage}, {"type", "website"}}};
  }
  return j;
}

// A file of several packages is within the first; a bom-ref stands once.
void add_files(const Sbom& sbom, const SbomComponent& c, std::vector<bool>& done, Json& to) {
  for (const size_t i : c.files) {
    if (!done[i]) to["components"].push_back(encode_file(sbom.files[i]));
    done[i] = true;
  }
}

Json metadata(const Sbom& sbom) {
  const Manifest& m = *sbom.manifest;
  Json j{{"timestamp", iso_time(sbom.created)}};
  j["lifecycles"] = {{{"phase", "operations"}}};
  const Json tool{{"type", "application"}, {"name", "fptrace"}, {"version", sbom.tool_version}};
  j["tools"]["components"] = {tool};
  j["component"] = encode_component(sbom.components[0]);
  add_property(j, "command", command_text(m));
  add_property(j, "os", printable(m.os));
  add_property(j, "kernel", printable(m.kernel));
  add_property(j, "machine", printable(m.machine));
  add_property(j, "backend", printable(m.backend));
  add_property(j, "coverage", coverage_text(m));
  return j;
}

Json dependencies(const Sbom& sbom) {
  Json out = Json::array();
  for (const SbomComponent& c : sbom.components) {
    Json j{{"ref", c.id}};
    for (const size_t i : c.depends_on) j["dependsOn"].push_back(sbom.components[i].id);
    out.push_back(std::move(j));
  }
  return out;
}

}  // namespace

std::string to_cyclonedx(const Sbom& sbom) {
  Json j{{"$schema", "http://cyclonedx.org/schema/bom-1.5.schema.json"},
         {"bomFormat", "CycloneDX"},
         {"specVersion", "1.5"},
         {"serialNumber", ""},
         {"version", 1}};
  j["metadata"] = metadata(sbom);
  j["components"] = Json::array();
  std::vector<bool> done(sbom.files.size());
  for (size_t i = 1; i < sbom.components.size(); ++i) {
    Json component = encode_component(sbom.components[i]);
    add_files(sbom, sbom.components[i], done, component);
    j["components"].push_back(std::move(component));
  }
  Json own = Json::object();  // files of no package
  add_files(sbom, sbom.components[0], done, own);
  if (own.contains("components")) {
    for (Json& file : own["components"]) j["components"].push_back(std::move(file));
  }
  j["dependencies"] = dependencies(sbom);
  // One run shows what it used, never that there is nothing more.
  const char* aggregate = sbom.manifest->complete ? "unknown" : "incomplete";
  const Json about = Json::array({sbom.components[0].id});
  j["compositions"] = {{{"aggregate", aggregate}, {"dependencies", about}}};
  j["serialNumber"] = "urn:uuid:" + content_uuid(j.dump());
  return j.dump(1) + "\n";
}

}  // namespace fptrace
