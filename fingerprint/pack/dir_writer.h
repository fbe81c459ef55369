#pragma once
#include <memory>
#include <string>

#include "fingerprint/pack/writer.h"

namespace fptrace::pack {

// The entries as files below `directory`, which exists and is empty. Nothing is followed and
// nothing replaced, so nothing is written outside of it. Owners are set where a file's is not the
// caller, which needs root. `notes` gets what could not be kept; it must outlive the writer.
Result<std::unique_ptr<Writer>> make_dir_writer(const std::string& directory,
                                                std::vector<Note>& notes);

}  // namespace fptrace::pack
