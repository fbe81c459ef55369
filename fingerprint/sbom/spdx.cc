#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "fingerprint/sbom/document.h"
#include "fingerprint/sbom/sbom.h"

// SPDX 2.3 (spdx.github.io/spdx-spec/v2.3). Section numbers below are those of that text.

namespace fptrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNoAssertion = "NOASSERTION";
constexpr const char* kDocument = "SPDXRef-DOCUMENT";

std::string ref(const std::string& id) { return "SPDXRef-" + id; }

// 8.1: relative to the root, which is what "./" stands for here.
std::string file_name(const ManifestFile& f) {
  return (f.path.starts_with('/') ? "." : "./") + readable(f.path);
}

Json checksum(const char* algorithm, const std::string& hex) {
  return {{"algorithm", algorithm}, {"checksumValue", hex}};
}

std::string file_comment(const ManifestFile& f) {
  std::string out = "roles:";
  for (const std::string& role : role_names(f)) out += " " + role;
  if (f.linkage != Linkage::kUnknown) out += "; linkage: " + std::string(to_string(f.linkage));
  if (!f.found_by.empty()) out += "; found by: " + printable(f.found_by);
  if (f.source.starts_with('/')) out += "; read from: " + printable(f.source);
  return out;
}

Json encode_file(const SbomFile& f) {
  Json j{{"fileName", file_name(*f.file)}, {"SPDXID", ref(f.id)}};
  j["checksums"] = {checksum("SHA1", to_hex(*f.sha1)), checksum("SHA256", to_hex(*f.file->sha256))};
  if (f.file->elf) {
    j["fileTypes"] = {"BINARY"};
  } else if (f.file->roles.has(Role::kScript)) {
    j["fileTypes"] = {"TEXT", "SOURCE"};
  }
  j["licenseConcluded"] = kNoAssertion;
  j["licenseInfoInFiles"] = {kNoAssertion};
  j["copyrightText"] = kNoAssertion;
  j["comment"] = file_comment(*f.file);
  return j;
}

// 8.4 asks for the SHA-1 of every file. Where it cannot be had, the file is a package of its own
// (7.24 knows the purpose FILE), whose checksums are free.
Json encode_lost_file(const SbomFile& f) {
  Json j{{"name", readable(f.file->path)},
         {"SPDXID", ref(f.id)},
         {"packageFileName", file_name(*f.file)},
         {"downloadLocation", kNoAssertion},
         {"filesAnalyzed", false}};
  if (f.file->sha256) j["checksums"] = Json::array({checksum("SHA256", to_hex(*f.file->sha256))});
  j["licenseConcluded"] = kNoAssertion;
  j["licenseDeclared"] = kNoAssertion;
  j["copyrightText"] = kNoAssertion;
  j["primaryPackagePurpose"] = "FILE";
  j["comment"] = file_comment(*f.file) +
                 "; no SHA1: the file that was traced could not be read for this document";
  return j;
}

// 7.9: the SHA-1 of the files' SHA-1s, sorted, without anything in between.
std::string verification_code(const Sbom& sbom, const SbomComponent& c) {
  std::vector<std::string> hashes;
  for (const size_t i : c.files) {
    if (sbom.files[i].sha1) hashes.push_back(to_hex(*sbom.files[i].sha1));
  }
  if (hashes.empty()) return {};
  std::sort(hashes.begin(), hashes.end());
  std::string all;
  for (const std::string& h : hashes) all += h;
  return to_hex(sha1(all));
}

const char* purpose(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kApplication:
      return "APPLICATION";
    case ComponentKind::kLibrary:
      return "LIBRARY";
    case ComponentKind::kData:
      return "OTHER";
  }
  return "OTHER";
}

// 7.5. A database does not say which of the two a maintainer is; teams mostly call themselves so.
std::string supplier(const PackageFacts& facts) {
  if (facts.supplier.empty()) return kNoAssertion;
  bool team = false;
  for (const char* word : {"Team", "Maintainers", "Group", "Developers", "Project", "Packag",
                           "Task Force", "Debian ", "Ubuntu "}) {
    team = team || facts.supplier.find(word) != std::string::npos;
  }
  std::string out = (team ? "Organization: " : "Person: ") + printable(facts.supplier);
  if (!facts.supplier_email.empty()) out += " (" + facts.supplier_email + ")";
  return out;
}

Json encode_component(const Sbom& sbom, const SbomComponent& c, bool run) {
  const std::string code = verification_code(sbom, c);
  Json j{{"name", readable(c.package.name)}, {"SPDXID", ref(c.id)}};
  if (!c.package.version.empty()) j["versionInfo"] = readable(c.package.version);
  if (!run) j["supplier"] = supplier(c.facts);
  j["downloadLocation"] = kNoAssertion;
  j["filesAnalyzed"] = !code.empty();
  if (!code.empty()) j["packageVerificationCode"] = {{"packageVerificationCodeValue", code}};
  if (!c.facts.homepage.empty()) j["homepage"] = c.facts.homepage;
  j["licenseConcluded"] = kNoAssertion;
  j["licenseDeclared"] = c.facts.licence ? c.facts.licence->expression : kNoAssertion;
  j["copyrightText"] = kNoAssertion;
  if (!c.purl.empty()) {
    j["externalRefs"] = {{{"referenceCategory", "PACKAGE-MANAGER"},
                          {"referenceType", "purl"},
                          {"referenceLocator", c.purl}}};
  }
  j["primaryPackagePurpose"] = purpose(c.kind);
  j["comment"] = run ? "The traced run, with the files that no package owns."
                     : "Only the files that the traced run used; they alone make up the "
                       "verification code.";
  return j;
}

Json relationship(const std::string& from, const char* type, const std::string& to) {
  return {{"spdxElementId", from}, {"relationshipType", type}, {"relatedSpdxElement", to}};
}

Json relationships(const Sbom& sbom) {
  Json out = Json::array();
  out.push_back(relationship(kDocument, "DESCRIBES", ref(sbom.components[0].id)));
  for (const SbomComponent& c : sbom.components) {
    for (const size_t i : c.files) {
      out.push_back(relationship(ref(c.id), "CONTAINS", ref(sbom.files[i].id)));
    }
    for (const size_t i : c.depends_on) {
      out.push_back(relationship(ref(c.id), "DEPENDS_ON", ref(sbom.components[i].id)));
    }
  }
  for (const FileLink& l : sbom.links) {
    out.push_back(
        relationship(ref(sbom.files[l.from].id), "DYNAMIC_LINK", ref(sbom.files[l.to].id)));
  }
  return out;
}

// 10: every LicenseRef- of the document with its text.
Json extracted_licences(const Sbom& sbom) {
  std::map<std::string, std::string> all;
  for (const SbomComponent& c : sbom.components) {
    if (c.facts.licence) {
      all.insert(c.facts.licence->references.begin(), c.facts.licence->references.end());
    }
  }
  Json out = Json::array();
  for (const auto& [id, text] : all) {
    out.push_back({{"licenseId", id},
                   {"extractedText",
                    text.empty() ? "The package's copyright file names this licence only." : text},
                   {"name", id.substr(id.find('-') + 1)}});
  }
  return out;
}

std::string document_comment(const Sbom& sbom) {
  const Manifest& m = *sbom.manifest;
  return "What one traced run of \"" + command_text(m) + "\" used, on " + printable(m.os) + " (" +
         printable(m.machine) + ", Linux " + printable(m.kernel) +
         "); other runs may use more. File names are relative to the root directory. Coverage of "
         "the trace: " +
         coverage_text(m) + ".";
}

}  // namespace

std::string to_spdx(const Sbom& sbom) {
  const std::string name = readable(sbom.components[0].package.name);
  Json j{{"spdxVersion", "SPDX-2.3"},
         {"dataLicense", "CC0-1.0"},
         {"SPDXID", kDocument},
         {"name", name},
         {"documentNamespace", ""}};
  j["creationInfo"] = {{"created", iso_time(sbom.created)},
                       {"creators", {"Tool: fptrace-" + sbom.tool_version}}};
  j["comment"] = document_comment(sbom);
  j["packages"] = Json::array();
  j["files"] = Json::array();
  for (size_t i = 0; i < sbom.components.size(); ++i) {
    j["packages"].push_back(encode_component(sbom, sbom.components[i], i == 0));
  }
  for (const SbomFile& f : sbom.files) {
    if (f.sha1) {
      j["files"].push_back(encode_file(f));
    } else {
      j["packages"].push_back(encode_lost_file(f));
    }
  }
  j["relationships"] = relationships(sbom);
  if (Json texts = extracted_licences(sbom); !texts.empty()) {
    j["hasExtractedLicensingInfos"] = std::move(texts);
  }
  // 6.5: unique, an absolute URI without "#"; it need not lead anywhere.
  j["documentNamespace"] = "https://spdx.org/spdxdocs/fptrace-" + content_uuid(j.dump());
  return j.dump(1) + "\n";
}

}  // namespace fptrace
