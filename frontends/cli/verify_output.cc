#include "frontends/cli/verify_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <map>
#include <sstream>

#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "fingerprint/package_json.h"
#include "fingerprint/view/quantities.h"
#include "fingerprint/view/table.h"

namespace fptrace::cli {
namespace {

constexpr size_t kShownHash = 12;  // digits: enough to tell two apart by eye

std::string_view mode_name(VerifyMode mode) {
  return mode == VerifyMode::kContent ? "content" : "abi";
}

std::string shorten(const std::string& value) {
  return value.size() == 64 ? "sha256 " + value.substr(0, kShownHash) : printable(value);
}

std::string here_and_there(const Finding& f) {
  const std::string here = f.found.empty() ? "nothing" : shorten(f.found);
  return here + " here, manifest has " + shorten(f.expected);
}

std::string what(const Finding& f) {
  const std::string at = printable(f.at);
  switch (f.problem) {
    case Problem::kMissing:
      return f.at == f.path ? "not here" : "not here: no " + at;
    case Problem::kBrokenLink:
      return f.found.empty() ? "link " + at + " is not here"
                             : "link " + at + " leads nowhere: " + printable(f.found);
    case Problem::kMoved:
      return "only under another name: " + printable(f.found);
    case Problem::kChanged:
      return here_and_there(f) + (f.at.empty() ? "" : " (" + at + ")");
    case Problem::kType:
    case Problem::kMode:
    case Problem::kTarget:
      return std::string(to_string(f.problem)) + " " + here_and_there(f);
    case Problem::kUnreadable:
      return at + ": " + printable(f.found);
    case Problem::kNoLibrary:
      return "needs " + printable(f.expected) + ", which the loader would not find";
    case Problem::kUnmet:
      return "needs " + printable(f.expected) + ", which " + at + " does not provide";
    case Problem::kAppeared:
      return "the run looked for it in vain (" + printable(f.expected) + "), here is a " + f.found +
             (f.at.empty() ? "" : " (" + at + ")");
  }
  return "";
}

std::string package_text(const Finding& f) {
  if (!f.package) return "";
  const std::string name = printable(f.package->name), version = printable(f.package->version);
  if (!f.installed) return name + " " + version;
  if (f.installed->empty()) return name + " not installed here, manifest has " + version;
  if (*f.installed == f.package->version) return name + " " + version + ", as in the manifest";
  return name + " " + printable(*f.installed) + " here, manifest has " + version;
}

std::string counts(const VerifyReport& r) {
  std::string out;
  for (size_t i = 0; i < kProblemNames.size(); ++i) {
    const uint64_t n = r.count(Problem(i));
    if (n == 0) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(kProblemNames[i]);
  }
  return out;
}

std::string scope(const VerifyReport& r) {
  std::string out = plural(r.files, "file", "files") + ", " + byte_count(r.hashed_bytes) +
                    " hashed, " + plural(r.absent, "name", "names") + " to be absent";
  if (r.objects != 0) out += ", " + plural(r.objects, "object", "objects") + " linked";
  if (r.unhashed != 0) out += "; " + std::to_string(r.unhashed) + " without a hash";
  if (r.skipped != 0) out += "; " + std::to_string(r.skipped) + " not checked";
  return out;
}

Json to_json(const Finding& f) {
  Json j;
  put(j, "path", f.path);
  j["problem"] = to_string(f.problem);
  const std::pair<const char*, const std::string*> texts[] = {
      {"used_as", &f.used_as}, {"expected", &f.expected}, {"found", &f.found}, {"at", &f.at}};
  for (const auto& [key, text] : texts) {
    if (!text->empty()) put(j, key, *text);
  }
  if (f.package) j["package"] = package_json(*f.package);
  if (f.installed)
    f.installed->empty() ? void(j["installed"] = nullptr) : put(j, "installed", *f.installed);
  return j;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string utc(int64_t seconds) {
  const time_t t = seconds;
  struct tm parts {};
  char text[32] = "";
  if (::gmtime_r(&t, &parts) != nullptr) {
    (void)std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  }
  return text;
}

}  // namespace

std::string verify_text(const VerifySubject& subject, const VerifyReport& report) {
  std::ostringstream out;
  Table table;
  if (!report.ok()) table.add({"PROBLEM", "PATH", "WHAT", "PACKAGE"});
  for (const Finding& f : report.findings) {
    const std::string path = printable(f.used_as.empty() ? f.path : f.used_as);
    table.add({std::string(to_string(f.problem)), path, what(f), package_text(f)});
  }
  table.print(out);
  if (!report.note.empty()) {
    out << "packages of the root are not known: " << printable(report.note) << '\n';
  }
  if (report.ok()) {
    out << "all as in " << printable(subject.manifest);
  } else {
    out << plural(report.findings.size(), "problem", "problems") << ": " << counts(report);
  }
  out << " (" << scope(report) << ")\n";
  return out.str();
}

std::string verify_json(const VerifySubject& subject, const VerifyReport& report) {
  Json j{{"schema", "fptrace.verify/1"}};
  put(j, "manifest", subject.manifest);
  put(j, "root", subject.root);
  j["mode"] = mode_name(subject.mode);
  j["ok"] = report.ok();
  j["checked"] = {{"files", report.files},       {"missing", report.absent},
                  {"objects", report.objects},   {"hashed_bytes", report.hashed_bytes},
                  {"unhashed", report.unhashed}, {"skipped", report.skipped}};
  for (size_t i = 0; i < kProblemNames.size(); ++i) {
    j["counts"][std::string(kProblemNames[i])] = report.count(Problem(i));
  }
  if (!report.note.empty()) put(j, "note", report.note);
  j["findings"] = Json::array();
  for (const Finding& f : report.findings) j["findings"].push_back(to_json(f));
  return lines(j);
}

std::string verify_csv_header() {
  std::string out =
      "time,manifest,root,mode,result,files,absent,objects,hashed_bytes,unhashed,skipped";
  for (const auto name : kProblemNames) out += "," + std::string(name);
  return out + "\r\n";
}

std::string verify_csv_row(const VerifySubject& subject, const VerifyReport& report, int64_t time) {
  std::string out = utc(time) + "," + csv_field(subject.manifest) + "," + csv_field(subject.root) +
                    "," + std::string(mode_name(subject.mode)) + "," +
                    (report.ok() ? "ok" : "differs");
  for (const uint64_t n : {report.files, report.absent, report.objects, report.hashed_bytes,
                           report.unhashed, report.skipped}) {
    out += "," + std::to_string(n);
  }
  for (size_t i = 0; i < kProblemNames.size(); ++i) {
    out += "," + std::to_string(report.count(Problem(i)));
  }
  return out + "\r\n";
}

Result<void> append_csv(const std::string& path, const std::string& header,
                        const std::string& row) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd) return fail_errno("write " + path);
  // Between looking whether the file is empty and writing to it, nobody else may write. A file
  // system without locks still has the single append.
  while (::flock(fd.get(), LOCK_EX) != 0 && errno == EINTR) {}
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return fail_errno("write " + path);
  const std::string text = (S_ISREG(st.st_mode) && st.st_size == 0 ? header : "") + row;
  ssize_t n;
  while ((n = ::write(fd.get(), text.data(), text.size())) < 0 && errno == EINTR) {}
  const int error = errno;
  if (n == ssize_t(text.size())) return {};
  if (n > 0 && S_ISREG(st.st_mode) && ::ftruncate(fd.get(), st.st_size) != 0) {
    return fail_errno("write " + path + ": a part of a line is left in it");
  }
  return fail_errno("write " + path, n < 0 ? error : ENOSPC);
}

}  // namespace fptrace::cli
