#include "fingerprint/pack/oci.h"

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "common/content/sha256.h"

namespace fptrace::pack {
namespace {

using nlohmann::json;

// uname's words to those of Go, which the specification uses.
const std::map<std::string, std::pair<const char*, const char*>> kArchitectures{
    {"x86_64", {"amd64", ""}},    {"i386", {"386", ""}},     {"i486", {"386", ""}},
    {"i586", {"386", ""}},        {"i686", {"386", ""}},     {"aarch64", {"arm64", "v8"}},
    {"armv7l", {"arm", "v7"}},    {"armv6l", {"arm", "v6"}}, {"riscv64", {"riscv64", ""}},
    {"ppc64le", {"ppc64le", ""}}, {"s390x", {"s390x", ""}},  {"loongarch64", {"loong64", ""}},
    {"mips64", {"mips64", ""}}};

std::string rfc3339(int64_t seconds) {
  const time_t t = seconds;
  tm parts{};
  char text[32];
  ::gmtime_r(&t, &parts);
  const size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, n};
}

Result<json> config_of(const PackCommand& c, std::vector<Note>& notes) {
  json config;
  for (const std::string& word : c.argv) {
    if (!is_utf8(word))
      return fail(Errc::kUnsupported, "the argument \"" + printable(word) +
                                          "\" is not UTF-8, which an image cannot say; use "
                                          "--format dir");
    config["Cmd"].push_back(word);
  }
  if (!is_utf8(c.cwd))
    return fail(Errc::kUnsupported, "the directory \"" + printable(c.cwd) +
                                        "\" is not UTF-8, which an image cannot say; use "
                                        "--format dir");
  config["WorkingDir"] = c.cwd;
  for (const auto& [name, value] : c.environment) {
    if (is_utf8(name) && is_utf8(value))
      config["Env"].push_back(name + "=" + value);
    else
      notes.push_back({"", "the variable " + printable(name) +
                               " is left out: it is not UTF-8, which an image cannot say"});
  }
  return config;
}

Result<json> descriptor(const char* media_type, const std::string& text) {
  const auto hash = sha256_of(text);
  if (!hash) return fail(hash.error());
  return json{{"mediaType", media_type}, {"digest", digest_text(*hash)}, {"size", text.size()}};
}

}  // namespace

const char* layer_media_type(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return "application/vnd.oci.image.layer.v1.tar+gzip";
    case Compression::kZstd:
      return "application/vnd.oci.image.layer.v1.tar+zstd";
    case Compression::kNone:
      break;
  }
  return "application/vnd.oci.image.layer.v1.tar";
}

std::string digest_text(const Sha256& hash) { return "sha256:" + to_hex(hash); }

Result<OciTexts> oci_texts(const PackCommand& command, const std::string& machine,
                           const OciLayer& layer, int64_t epoch, std::vector<Note>& notes) {
  auto config = config_of(command, notes);
  if (!config) return fail(config.error());
  const std::string created = rfc3339(epoch);
  json image{{"created", created},
             {"os", "linux"},
             {"architecture", machine},
             {"config", *config},
             {"rootfs", {{"type", "layers"}, {"diff_ids", {layer.diff_id}}}},
             {"history", json::array({{{"created", created}, {"created_by", "fptrace pack"}}})}};
  if (const auto it = kArchitectures.find(machine); it != kArchitectures.end()) {
    image["architecture"] = it->second.first;
    if (*it->second.second != 0) image["variant"] = it->second.second;
  }
  OciTexts out;
  out.config = image.dump();
  const auto of_config = descriptor("application/vnd.oci.image.config.v1+json", out.config);
  if (!of_config) return fail(of_config.error());
  const json of_layer{{"mediaType", layer.blob.media_type},
                      {"digest", layer.blob.digest},
                      {"size", layer.blob.size}};
  constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
  out.manifest = json{{"schemaVersion", 2},
                      {"mediaType", kManifestType},
                      {"config", *of_config},
                      {"layers", json::array({of_layer})}}
                     .dump();
  auto of_manifest = descriptor(kManifestType, out.manifest);
  if (!of_manifest) return fail(of_manifest.error());
  (*of_manifest)["annotations"] = {{"org.opencontainers.image.ref.name", "latest"}};
  (*of_manifest)["platform"] = {{"os", "linux"}, {"architecture", image["architecture"]}};
  out.index = json{{"schemaVersion", 2},
                   {"mediaType", "application/vnd.oci.image.index.v1+json"},
                   {"manifests", json::array({*of_manifest})}}
                  .dump();
  return out;
}

}  // namespace fptrace::pack
