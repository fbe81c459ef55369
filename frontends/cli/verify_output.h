#pragma once
#include <string>

#include "common/base/result.h"
#include "fingerprint/verify.h"

namespace fptrace::cli {

// What a report is about.
struct VerifySubject {
  std::string manifest, root;  // as given
  VerifyMode mode = VerifyMode::kContent;
};

// Pure. docs/reports.md describes the JSON and the CSV.
std::string verify_text(const VerifySubject& subject, const VerifyReport& report);
std::string verify_json(const VerifySubject& subject, const VerifyReport& report);
// RFC 4180: lines end in CR LF. `time` in seconds since the epoch.
std::string verify_csv_header();
std::string verify_csv_row(const VerifySubject& subject, const VerifyReport& report, int64_t time);

// Appends one line to a file, and the header before it when the file is new or empty. Several at
// once do not mix: each holds a lock and writes once. On failure the file is as it was.
Result<void> append_csv(const std::string& path, const std::string& header, const std::string& row);

}  // namespace fptrace::cli
