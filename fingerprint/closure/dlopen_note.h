#pragma once
#include <string>
#include <vector>

#include "common/elf/link_closure.h"

namespace fptrace {

// The libraries that a .note.dlopen names (uapi-group.org/specifications: "ELF dlopen metadata").
// Pure. Whatever is not as specified names nothing; a priority other than "required" is a wish.
std::vector<DlopenNote> parse_dlopen_note(const std::string& json);

}  // namespace fptrace
