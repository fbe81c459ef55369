#pragma once
#include <memory>
#include <string>

#include "fingerprint/pack/sink.h"
#include "fingerprint/pack/writer.h"

namespace fptrace::pack {

// A tar archive (POSIX pax, extended headers only where needed) into `sink`, which it finishes.
// `prefix` is what the names begin with in place of the leading slash: "", "./", "ls/rootfs/".
Result<std::unique_ptr<Writer>> make_tar_writer(std::string prefix, ByteSink& sink);

}  // namespace fptrace::pack
