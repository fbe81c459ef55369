#include "fingerprint/packages/owners.h"

#include <vector>

#include "fingerprint/packages/ancestors.h"
#include "fingerprint/packages/apk.h"
#include "fingerprint/packages/conda.h"
#include "fingerprint/packages/cran.h"
#include "fingerprint/packages/dpkg.h"
#include "fingerprint/packages/gem.h"
#include "fingerprint/packages/jar.h"
#include "fingerprint/packages/npm.h"
#include "fingerprint/packages/package_note.h"
#include "fingerprint/packages/python.h"
#include "fingerprint/packages/rpm.h"

namespace fptrace {
namespace {

// "/x/__pycache__/y.cpython-311.opt-1.pyc" is made of "/x/y.py" (PEP 3147); empty: not such a file.
std::string python_source(const std::string& path) {
  const std::string dir = parent_of(path), name = base_name(path);
  if (!name.ends_with(".pyc") || base_name(dir) != "__pycache__") return {};
  return parent_of(dir) + "/" + name.substr(0, name.find('.')) + ".py";
}

using Sources = std::vector<std::unique_ptr<OwnerSource>>;

}  // namespace

struct Owners::Impl {
  explicit Impl(const std::string& r) : root(r) {}

  // A database that cannot be read at all leaves its error in `problems`.
  template <class Database>
  void add(Result<Database> database) {
    if (!database) return void(problems.insert(database.error().what));
    if (!database->empty()) system.push_back(std::make_unique<Database>(std::move(*database)));
  }
  void open_all() {
    add(DpkgDatabase::read(root, problems));
    add(RpmDatabase::read(root, problems));
    add(ApkDatabase::read(root));
    languages.push_back(std::make_unique<CondaPackages>(root, problems));
    languages.push_back(std::make_unique<PythonPackages>(root, problems));
    languages.push_back(std::make_unique<NodePackages>(root, problems));
    languages.push_back(std::make_unique<RubyGems>(root, problems));
    languages.push_back(std::make_unique<RPackages>(root, problems));
    languages.push_back(std::make_unique<Jars>(root, problems));
  }
  // A system has one package manager, and seldom files of a second.
  Ownership of_system(const std::string& path) {
    Ownership out;
    for (const auto& source : system) {
      Ownership more = source->find(path);
      out.packages.insert(out.packages.end(), more.packages.begin(), more.packages.end());
      out.config |= more.config;
    }
    return out;
  }
  Ownership of_language(const std::string& path) {
    for (const auto& source : languages) {
      Ownership found = source->find(path);
      if (!found.packages.empty()) return found;
    }
    return {};
  }

  RootDir root;
  Problems problems;
  Sources system, languages;
};

Owners::Owners(const std::string& root) : impl_(std::make_unique<Impl>(root)) {}
Owners::~Owners() = default;

const Problems& Owners::problems() const { return impl_->problems; }

Ownership Owners::find(const std::string& path, std::string_view note) {
  if (!path.starts_with('/')) return {};
  Impl& i = *impl_;
  if (i.languages.empty()) i.open_all();
  Ownership out = i.of_system(path);
  const std::string source = out.packages.empty() ? python_source(path) : "";
  if (!source.empty()) out.packages = i.of_system(source).packages;
  if (!out.packages.empty()) return out;
  if (!note.empty()) {
    if (auto package = parse_package_note(note)) return {{std::move(*package)}, false};
  }
  out = i.of_language(path);
  return out.packages.empty() && !source.empty() ? i.of_language(source) : out;
}

}  // namespace fptrace
