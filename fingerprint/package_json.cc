#include "fingerprint/package_json.h"

namespace fptrace {

Json package_json(const Package& p) {
  Json j;
  put(j, "manager", p.manager);
  put(j, "name", p.name);
  put(j, "version", p.version);
  put(j, "arch", p.arch);
  return j;
}

}  // namespace fptrace
