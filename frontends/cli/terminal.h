#pragma once
#include "fingerprint/view/columns.h"

namespace fptrace::cli {

// How to show text on standard output: as wide as its terminal (any width where it is none, or
// where the text goes into a file), and in ASCII unless the locale's character set is UTF-8.
TextStyle output_style(bool to_file, bool ascii);

}  // namespace fptrace::cli
