#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/analysis/libraries.h"

namespace fptrace {

// Works out how each library of an image came into it. Keeps what several images share.
class Libraries::Resolver {
 public:
  Resolver(const Libraries& libraries, LinkSource& source)
      : libraries_(libraries), source_(source) {}
  std::vector<LoadedFile> resolve(const Image& image);

 private:
  class OneImage;
  // All that makes searches differ: kind and loader of the program, cache, path file, search path.
  struct SearchKey {
    bool is_64 = false, little_endian = false;
    uint16_t machine = 0;
    uint32_t flags = 0;
    std::string loader_name;
    uint32_t loader = 0, cache = 0, path_file = 0;
    std::optional<std::string> search_path;
    auto operator<=>(const SearchKey&) const = default;
  };
  const LoaderSearch& search(const Image& image, const LinkInfo& main);

  const Libraries& libraries_;
  LinkSource& source_;
  std::map<SearchKey, LoaderSearch> searches_;
};

}  // namespace fptrace
