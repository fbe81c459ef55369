#pragma once
#include <map>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// What a package says of its licences, in SPDX's words.
struct DeclaredLicence {
  std::string expression;  // "GPL-2.0-or-later AND (MIT OR LicenseRef-Foo)"; never empty
  // "LicenseRef-Foo" -> its text, for every name in the expression that SPDX does not know.
  std::map<std::string, std::string> references;
  bool operator==(const DeclaredLicence&) const = default;
};

// From a machine-readable Debian copyright file (DEP-5, "copyright-format/1.0"). Where the header
// gives no licence for the whole package, all those of its files apply together. `package` becomes
// part of each LicenseRef, as two packages may call different texts "permissive". Pure.
// kUnsupported: not machine-readable. kParse: it says it is, and is not, or names no licence.
Result<DeclaredLicence> parse_copyright_file(std::string_view text, std::string_view package);

// One License field's first line, "GPL-2+ or Artistic, and BSD-3-clause", as an SPDX expression;
// names that SPDX does not know are put into `references` without a text. Pure.
Result<std::string> spdx_expression(std::string_view dep5, std::string_view package,
                                    std::map<std::string, std::string>& references);

}  // namespace fptrace
