#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fingerprint/abi_check.h"
#include "fingerprint/root_directory.h"

namespace fptrace {

// The loader's search (ld.so(8)) among the files of a root. Reads each file once.
class RootLoader : public LoaderView {
 public:
  // `library_path` is the LD_LIBRARY_PATH of the run. `root` must outlive this.
  RootLoader(const RootDirectory& root, const std::string& library_path);

  const RootObject* at(const std::string& path) override;
  const RootObject* search(const std::string& name,
                           const std::vector<const RootObject*>& chain) override;

 private:
  using Chain = std::vector<const RootObject*>;
  void read_configuration(const std::string& path, int depth);
  const RootObject* read(const FoundPath& file);
  const RootObject* try_directories(const std::vector<std::string>& directories,
                                    const std::string& name, const RootObject& requester);

  const RootDirectory& root_;
  std::vector<std::string> library_path_, configured_;
  std::map<std::string, const RootObject*> by_name_;          // as asked for
  std::map<std::string, std::optional<RootObject>> objects_;  // by canonical path; none: not ELF
};

// Pure. "$ORIGIN/../lib:/opt": the entries, with $ORIGIN and $LIB replaced; an empty entry, which
// stands for the working directory, is left out.
std::vector<std::string> search_directories(const std::string& list, const std::string& origin,
                                            const std::string& lib);
// Pure. One file of ld.so.conf(5): directories, and patterns of files to include.
struct LoaderConfiguration {
  std::vector<std::string> directories, includes;
};
LoaderConfiguration parse_loader_configuration(std::string_view text);

}  // namespace fptrace
