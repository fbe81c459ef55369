#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// What a Java archive says of itself.
struct JarIdentity {
  std::map<std::string, std::string> manifest;           // main attributes of META-INF/MANIFEST.MF
  std::vector<std::map<std::string, std::string>> poms;  // META-INF/maven/*/*/pom.properties
  bool operator==(const JarIdentity&) const = default;
};

// Pure. The main section of a manifest (Java's "JAR File Specification"); a line that starts with a
// blank goes on where the last one ended.
std::map<std::string, std::string> parse_jar_manifest(std::string_view text);
// Pure. Lines of KEY=VALUE; # and ! begin a comment.
std::map<std::string, std::string> parse_properties(std::string_view text);
// Pure. The zip archive as bytes, or open for reading.
Result<JarIdentity> read_jar(std::string_view bytes);
Result<JarIdentity> read_jar(int fd);
// Pure. The packages in a jar of that file name, the one it is made for first: by the Maven
// coordinates ("GROUP:ARTIFACT"), or else by its manifest.
std::vector<Package> jar_packages(const JarIdentity& jar, const std::string& file_name);

// Java archives, which are packages by themselves.
class Jars : public OwnerSource {
 public:
  Jars(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  const RootDir& root_;
  Problems& problems_;
};

}  // namespace fptrace
