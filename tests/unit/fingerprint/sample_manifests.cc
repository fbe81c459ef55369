// Prints the sample manifests as JSON, one document a line, for schema_test.py.
#include <iostream>

#include "fingerprint/manifest_file.h"
#include "tests/unit/fingerprint/sample.h"

int main() {
  for (const auto& m : {fptrace::test::full_manifest(), fptrace::test::small_manifest()}) {
    std::string json = fptrace::to_json(m);
    for (char& c : json) {
      if (c == '\n') c = ' ';  // newlines in strings are escaped, so these are only layout
    }
    std::cout << json << "\n";
  }
}
