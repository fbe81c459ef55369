#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "fingerprint/packages/owner_source.h"

namespace fptrace {

// Who owns the files of a root directory. In this order, the first that knows a file:
//
// - the system's package managers: dpkg, rpm, apk;
// - the file's own packaging note (see package_note.h);
// - packages of languages, in the directories that the files asked for lie in: conda, then Python
//   ("pypi"), Node.js ("npm"), Ruby ("gem"), R ("cran"), Java ("maven").
//
// Byte-compiled Python has the owner of its source, which is removed with it. Nothing is read
// before it is needed, each database is read once, and no process is started. Nothing outside the
// root is read. Not thread-safe.
class Owners {
 public:
  // `root` as in ManifestOptions: "" is this host.
  explicit Owners(const std::string& root);
  ~Owners();

  // `path` is canonical and absolute, seen from inside the root; `note` the text of the file's
  // .note.package, if it has one.
  Ownership find(const std::string& path, std::string_view note = {});

  // What could not be read until now, so that files may seem to have no owner.
  const Problems& problems() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fptrace
