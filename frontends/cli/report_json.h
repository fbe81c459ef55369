#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fingerprint/packages/package.h"

// JSON of reports about manifests: docs/reports.md. Only for .cc files, since the header is heavy.

namespace fptrace::cli {

using Json = nlohmann::ordered_json;

// As in a manifest: a string that is not UTF-8 has its exact bytes, in base64, under "KEY_bytes".
void put(Json& to, const std::string& key, const std::string& bytes);
void put(Json& to, const std::string& key, const std::vector<std::string>& list);
Json package_json(const Package& package);
// One line for each member, and for each element of a list, so that grep and diff are of use.
std::string lines(const Json& object);

}  // namespace fptrace::cli
