#pragma once
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/elf/loader_search.h"
#include "fingerprint/abi_check.h"
#include "fingerprint/root_directory.h"

namespace fptrace {

// The loaders of a root, and its files as they see them. Reads each file once.
class RootLoader : public LoaderView {
 public:
  // LD_LIBRARY_PATH and the working directory of the run. `root` must outlive this.
  RootLoader(const RootDirectory& root, std::optional<std::string> library_path, std::string cwd);

  const RootObject* at(const std::string& path) override;
  LoadedObject search(const std::string& name, const std::vector<LoadedObject>& chain) override;

 private:
  const RootObject* read(const FoundPath& file);
  const LoaderSearch& search_for(const RootObject& program);
  LoaderEnvironment environment_for(const LoaderSetup& setup) const;
  std::optional<std::string> text(const std::string& path) const;

  const RootDirectory& root_;
  std::optional<std::string> library_path_;
  std::string cwd_;
  std::map<std::string, const RootObject*> by_name_;          // as asked for
  std::map<std::string, std::optional<RootObject>> objects_;  // by canonical path; none: not ELF
  // By the loader's name, the kind of file that it loads, and secure mode.
  std::map<std::tuple<std::string, bool, bool, uint16_t, uint32_t, bool>, LoaderSearch> searches_;
};

}  // namespace fptrace
