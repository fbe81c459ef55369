#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/manifest.h"

namespace fptrace::pack {

// The names of a path, in order, without empty ones and ".".
std::vector<std::string> split_path(std::string_view path);

// Pure. What packing relies on beyond check_manifest(): paths that become files are canonical, the
// links and the directory name places within the package, no string has a zero byte. The error
// names the field ("files[3].links[0]").
Result<void> check_paths(const Manifest& manifest);

}  // namespace fptrace::pack
