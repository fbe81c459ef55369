#pragma once
#include <string>

#include "fingerprint/pack/command.h"
#include "fingerprint/pack/installable.h"

namespace fptrace::pack {

// Pure. The base image for an os-release PRETTY_NAME: "debian:12", "ubuntu:22.04"; empty: none
// known.
std::string base_image(const std::string& os);

// Pure. `base` empty: from nothing, with all files in the archive "files.tar". Fails when the
// command has bytes that a Dockerfile cannot say.
Result<std::string> dockerfile(const PackCommand& command, const std::string& base,
                               const Installable& what, std::vector<Note>& notes);

}  // namespace fptrace::pack
