#include "common/path/host_names.h"

namespace fptrace {
namespace {

class Renamer {
 public:
  explicit Renamer(const std::string& host_root) : host_root_(host_root) {}

  void operator()(std::string& path) const {
    if (path.empty() || path[0] != '/') return;
    path = path == "/" ? host_root_ : host_root_ + path;
  }
  void operator()(FileRef& f) const {
    if (!f.source.empty()) {
      f.path = std::move(f.source);
      f.source.clear();
    } else if (!f.exists()) {
      (*this)(f.path);
    }
  }
  void operator()(Lookup& l) const {
    (*this)(l.base);
    for (std::string& link : l.links) (*this)(link);
    (*this)(l.file);
  }
  void operator()(ExecEvent& e) const {
    (*this)(e.program);
    for (Lookup& l : e.interpreters) (*this)(l);
    (*this)(e.loader);
    (*this)(e.cwd);
  }
  void operator()(OpenEvent& e) const {
    (*this)(e.at);
    (*this)(e.opener);
  }
  void operator()(FdEvent& e) const { (*this)(e.file); }
  void operator()(MmapEvent& e) const { (*this)(e.file); }
  void operator()(ListEvent& e) const { (*this)(e.directory); }
  void operator()(PathEvent& e) const { (*this)(e.at); }
  void operator()(RenameEvent& e) const {
    (*this)(e.from);
    (*this)(e.to);
  }
  void operator()(MountEvent& e) const { (*this)(e.target); }
  void operator()(SocketEvent& e) const { (*this)(e.at); }
  void operator()(TaintWriteEvent& e) const { (*this)(e.file); }
  template <class Other>
  void operator()(Other&) const {}  // names no file

 private:
  const std::string& host_root_;
};

}  // namespace

void to_host_names(EventBody& body, const std::string& host_root) {
  std::visit(Renamer(host_root), body);
}

}  // namespace fptrace
