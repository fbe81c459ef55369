#include "common/base/json_text.h"
#include "common/base/text.h"
#include "fingerprint/manifest_check.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/package_json.h"

namespace fptrace {
namespace {

// Writing ----------------------------------------------------------------------------------------

Json encode(const ExitStatus& e) {
  return e.signal != 0 ? Json{{"signal", e.signal}} : Json{{"code", e.code}};
}

Json encode(const ElfInfo& e) {
  Json j = Json::object();
  put_nonempty(j, "soname", e.soname);
  put_nonempty(j, "interpreter", e.interpreter);
  put_nonempty(j, "needed", e.needed);
  put_nonempty(j, "build_id", e.build_id);
  put(j, "requires", e.requires_);
  put(j, "provides", e.provides);
  return j;
}

std::string octal(uint32_t mode) {
  std::string s;
  for (int shift = 9; shift >= 0; shift -= 3) s += char('0' + ((mode >> shift) & 7));
  return s;
}

Json encode(const ManifestFile& f) {
  Json j;
  put(j, "path", f.path);
  put_nonempty(j, "source", f.source);
  if (f.type != FileType::kRegular) j["type"] = to_string(f.type);
  put_nonempty(j, "as_used", f.as_used);
  put_nonempty(j, "links", f.links);
  j["roles"] = Json::array();
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (f.roles.has(Role(i))) j["roles"].push_back(kRoleNames[i]);
  }
  if (f.linkage != Linkage::kUnknown) j["linkage"] = to_string(f.linkage);
  put_nonempty(j, "found_by", f.found_by);
  if (f.size) j["size"] = *f.size;
  if (f.mode) j["mode"] = octal(*f.mode);
  if (f.sha256) j["sha256"] = to_hex(*f.sha256);
  put_nonempty(j, "target", f.target);
  put_nonempty(j, "peer", f.peer);
  if (f.package) j["package"] = package_json(*f.package);
  for (const Package& p : f.other_packages) j["other_packages"].push_back(package_json(p));
  if (f.config) j["config"] = true;
  if (f.elf) j["elf"] = encode(*f.elf);
  put_nonempty(j, "opened_by", f.opened_by);
  put_nonempty(j, "openers", f.openers);
  return j;
}

Json encode(const MissingFile& m) {
  Json j;
  put(j, "path", m.path);
  put(j, "errno", m.error);
  return j;
}

Json encode(const OutputFile& o) {
  Json j;
  put(j, "path", o.path);
  if (o.type != FileType::kRegular) j["type"] = to_string(o.type);
  if (o.sha256) j["sha256"] = to_hex(*o.sha256);
  if (o.size) j["size"] = *o.size;
  put_nonempty(j, "target", o.target);
  return j;
}

Json encode(const PackageUse& u) {
  Json j = package_json(u.package);
  j["files"] = u.files;
  return j;
}

Json encode(const ManifestProcess& p) {
  Json j{{"id", p.id}, {"parent", p.parent}, {"pid", p.pid}};
  put(j, "program", p.program);
  put(j, "argv", p.argv);
  if (p.exit) j["exit"] = encode(*p.exit);
  if (p.start_ns) j["start_ns"] = *p.start_ns;
  if (p.end_ns) j["end_ns"] = *p.end_ns;
  return j;
}

Json encode_environment(const Manifest& m) {
  Json j;
  put(j, "read", m.environment_read);
  Json set = Json::object(), bytes = Json::array();
  for (const auto& [name, value] : m.environment_set) {
    set[readable(name)] = readable(value);
    if (is_utf8(name) && is_utf8(value)) continue;
    bytes.push_back({{"name", to_base64(name)}, {"value", to_base64(value)}});
  }
  j["set"] = std::move(set);
  if (!bytes.empty()) j["set_bytes"] = std::move(bytes);
  return j;
}

Json encode_coverage(const Manifest& m) {
  Json undecoded = Json::array();
  for (const Undecoded& u : m.undecoded) {
    Json j;
    put(j, "what", u.what);
    j["count"] = u.count;
    undecoded.push_back(std::move(j));
  }
  return {{"complete", m.complete}, {"undecoded", std::move(undecoded)}};
}

template <class T>
Json encode_all(const std::vector<T>& list) {
  Json j = Json::array();
  for (const T& x : list) j.push_back(encode(x));
  return j;
}

Json encode(const Manifest& m) {
  Json command, host;
  put(command, "argv", m.argv);
  put(command, "cwd", m.cwd);
  if (m.exit) command["exit"] = encode(*m.exit);
  put(host, "os", m.os);
  put(host, "kernel", m.kernel);
  put(host, "machine", m.machine);
  Json j{{"schema", kManifestSchema}, {"command", command}, {"host", host}};
  put(j, "backend", m.backend);
  j["files"] = encode_all(m.files);
  j["missing"] = encode_all(m.missing);
  j["outputs"] = encode_all(m.outputs);
  j["environment"] = encode_environment(m);
  j["packages"] = encode_all(m.packages);
  j["coverage"] = encode_coverage(m);
  if (m.processes) j["processes"] = encode_all(*m.processes);
  if (m.temporaries) put(j, "temporaries", *m.temporaries);
  if (m.times) {
    j["times"] = {{"started_ns", m.times->started_ns}, {"duration_ns", m.times->duration_ns}};
  }
  return j;
}

// Reading ----------------------------------------------------------------------------------------

// A value within the text, and how to name it. Every getter gives a default on a mismatch and
// keeps the first error, so that decoding reads as a list of fields.
class Value {
 public:
  Value(const Json* json, std::string where, std::string* error)
      : json_(json), where_(std::move(where)), error_(error) {}

  bool present() const { return json_ != nullptr; }
  Value member(const std::string& key) const {
    const std::string where = where_.empty() ? key : where_ + "." + key;
    if (json_ == nullptr) return {nullptr, where, error_};
    if (!json_->is_object()) {
      wrong("not an object");
      return {nullptr, where, error_};
    }
    const auto it = json_->find(key);
    return {it == json_->end() ? nullptr : &*it, where, error_};
  }
  std::vector<Value> elements() const {
    std::vector<Value> out;
    if (json_ == nullptr) return out;
    if (!json_->is_array()) {
      wrong("not a list");
      return out;
    }
    for (size_t i = 0; i < json_->size(); ++i) {
      out.emplace_back(&(*json_)[i], where_ + "[" + std::to_string(i) + "]", error_);
    }
    return out;
  }
  const Value& required() const {
    if (json_ == nullptr) wrong("is missing");
    return *this;
  }
  std::string text() const {
    if (json_ == nullptr) return {};
    if (json_->is_string()) return json_->get_ref<const std::string&>();
    wrong("not a string");
    return {};
  }
  bool boolean() const {
    if (json_ == nullptr) return false;
    if (!json_->is_boolean()) wrong("not true or false");
    return json_->is_boolean() && json_->get<bool>();
  }
  // A whole number within the range of T.
  template <class T>
  T number() const {
    if (json_ == nullptr) return 0;
    if (json_->is_number_unsigned()) {
      const auto n = json_->get<uint64_t>();
      if (n <= uint64_t(std::numeric_limits<T>::max())) return T(n);
      wrong("out of range");
    } else if (json_->is_number_integer() && std::is_signed_v<T>) {
      const auto n = json_->get<int64_t>();
      if (n >= int64_t(std::numeric_limits<T>::min())) return T(n);
      wrong("out of range");
    } else {
      wrong(json_->is_number_integer() ? "out of range" : "not a whole number");
    }
    return 0;
  }
  template <class T>
  std::optional<T> optional_number() const {
    if (json_ == nullptr) return std::nullopt;
    return number<T>();
  }
  template <class E, size_t N>
  E name_of(const std::array<std::string_view, N>& names) const {
    const auto e = from_name<E>(names, text());
    if (!e) wrong("unknown name \"" + printable(text()) + "\"");
    return e.value_or(E(0));
  }
  const Json* object() const {
    if (json_ != nullptr && !json_->is_object()) wrong("not an object");
    return json_ != nullptr && json_->is_object() ? json_ : nullptr;
  }
  void wrong(const std::string& what) const {
    if (error_->empty()) *error_ = (where_.empty() ? "manifest" : where_) + ": " + what;
  }

 private:
  const Json* json_;
  std::string where_;
  std::string* error_;
};

std::string base64(const Value& v) {
  const auto bytes = from_base64(v.text());
  if (!bytes) v.wrong("not base64");
  return bytes.value_or("");
}

std::string bytes(const Value& of, const std::string& key) {
  const Value exact = of.member(key + "_bytes");
  return exact.present() ? base64(exact) : of.member(key).text();
}

std::vector<std::string> byte_list(const Value& of, const std::string& key) {
  std::vector<std::string> out;
  const Value exact = of.member(key + "_bytes");
  for (const Value& v : (exact.present() ? exact : of.member(key)).elements()) {
    out.push_back(exact.present() ? base64(v) : v.text());
  }
  return out;
}

std::optional<Sha256> hash(const Value& v) {
  if (!v.present()) return std::nullopt;
  const auto h = sha256_from_hex(v.text());
  if (!h) v.wrong("not 64 hexadecimal digits");
  return h;
}

std::optional<uint32_t> mode(const Value& v) {
  if (!v.present()) return std::nullopt;
  const std::string s = v.text();
  uint32_t out = 0;
  bool ok = s.size() == 4;
  for (const char c : s) {
    ok = ok && c >= '0' && c <= '7';
    out = out << 3 | uint32_t(c - '0');
  }
  if (!ok) v.wrong("not four octal digits");
  return ok ? std::optional(out) : std::nullopt;
}

std::optional<ExitStatus> exit_status(const Value& v) {
  if (!v.present()) return std::nullopt;
  return ExitStatus{v.member("code").number<int>(), v.member("signal").number<int>()};
}

Package package(const Value& v) {
  Package p{bytes(v, "manager"), bytes(v, "name"), bytes(v, "version"), bytes(v, "arch")};
  (void)v.member("manager").required();
  (void)v.member("name").required();
  return p;
}

ElfInfo elf(const Value& v) {
  return {bytes(v, "soname"),   bytes(v, "interpreter"),  byte_list(v, "needed"),
          bytes(v, "build_id"), byte_list(v, "requires"), byte_list(v, "provides")};
}

FileType type(const Value& v) {
  return v.present() ? v.name_of<FileType>(kFileTypeNames) : FileType::kRegular;
}

std::string path(const Value& of) {
  (void)of.member("path").required();
  return bytes(of, "path");
}

ManifestFile file(const Value& v) {
  ManifestFile f;
  f.path = path(v);
  f.source = bytes(v, "source");
  f.type = type(v.member("type"));
  f.as_used = byte_list(v, "as_used");
  f.links = byte_list(v, "links");
  for (const Value& r : v.member("roles").required().elements()) {
    f.roles.add(r.name_of<Role>(kRoleNames));
  }
  if (const Value l = v.member("linkage"); l.present())
    f.linkage = l.name_of<Linkage>(kLinkageNames);
  f.found_by = bytes(v, "found_by");
  f.size = v.member("size").optional_number<uint64_t>();
  f.mode = mode(v.member("mode"));
  f.sha256 = hash(v.member("sha256"));
  f.target = bytes(v, "target");
  f.peer = bytes(v, "peer");
  if (const Value p = v.member("package"); p.present()) f.package = package(p);
  for (const Value& p : v.member("other_packages").elements()) {
    f.other_packages.push_back(package(p));
  }
  if (const Value c = v.member("config"); c.present()) f.config = c.boolean();
  if (const Value e = v.member("elf"); e.present()) f.elf = elf(e);
  f.opened_by = byte_list(v, "opened_by");
  f.openers = byte_list(v, "openers");
  return f;
}

OutputFile output(const Value& v) {
  return {path(v), type(v.member("type")), hash(v.member("sha256")),
          v.member("size").optional_number<uint64_t>(), bytes(v, "target")};
}

ManifestProcess process(const Value& v) {
  ManifestProcess p;
  p.id = v.member("id").required().number<uint32_t>();
  p.parent = v.member("parent").number<uint32_t>();
  p.pid = v.member("pid").number<int32_t>();
  p.program = bytes(v, "program");
  p.argv = byte_list(v, "argv");
  p.exit = exit_status(v.member("exit"));
  p.start_ns = v.member("start_ns").optional_number<uint64_t>();
  p.end_ns = v.member("end_ns").optional_number<uint64_t>();
  return p;
}

void environment(const Value& v, Manifest& m) {
  m.environment_read = byte_list(v, "read");
  const Value set = v.member("set");
  if (const Json* variables = set.object()) {
    for (const auto& [name, value] : variables->items()) {
      m.environment_set[name] = set.member(name).text();
    }
  }
  for (const Value& e : v.member("set_bytes").elements()) {
    const std::string name = base64(e.member("name").required());
    m.environment_set.erase(readable(name));
    m.environment_set[name] = base64(e.member("value").required());
  }
}

void coverage(const Value& v, Manifest& m) {
  m.complete = v.member("complete").required().boolean();
  for (const Value& u : v.member("undecoded").required().elements()) {
    m.undecoded.push_back({bytes(u, "what"), u.member("count").number<uint64_t>()});
  }
}

Manifest manifest(const Value& v) {
  Manifest m;
  const Value command = v.member("command").required(), host = v.member("host").required();
  m.argv = byte_list(command, "argv");
  m.cwd = bytes(command, "cwd");
  m.exit = exit_status(command.member("exit"));
  m.os = bytes(host, "os");
  m.kernel = bytes(host, "kernel");
  m.machine = bytes(host, "machine");
  m.backend = bytes(v, "backend");
  for (const Value& f : v.member("files").required().elements()) m.files.push_back(file(f));
  for (const Value& f : v.member("missing").required().elements()) {
    m.missing.push_back({path(f), bytes(f, "errno")});
  }
  for (const Value& f : v.member("outputs").required().elements()) m.outputs.push_back(output(f));
  environment(v.member("environment").required(), m);
  for (const Value& p : v.member("packages").required().elements()) {
    m.packages.push_back({package(p), p.member("files").number<uint64_t>()});
  }
  coverage(v.member("coverage").required(), m);
  if (const Value list = v.member("processes"); list.present()) {
    m.processes.emplace();
    for (const Value& p : list.elements()) m.processes->push_back(process(p));
  }
  if (v.member("temporaries").present()) m.temporaries = byte_list(v, "temporaries");
  if (const Value t = v.member("times"); t.present()) {
    m.times = {t.member("started_ns").number<uint64_t>(),
               t.member("duration_ns").number<uint64_t>()};
  }
  return m;
}

Result<Json> parse(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    return fail(Errc::kParse, "manifest: not JSON (byte " + std::to_string(e.byte) + ")");
  } catch (const Json::out_of_range&) {
    return fail(Errc::kParse, "manifest: a number is out of range");
  }
}

}  // namespace

std::string to_json(const Manifest& m) { return lines(encode(m)); }

Result<Manifest> manifest_from_json(std::string_view text) {
  auto json = parse(text);
  if (!json) return fail(json.error());
  std::string error;
  const Value root(&*json, "", &error);
  const std::string schema = root.member("schema").required().text();
  if (!error.empty()) return fail(Errc::kParse, error);
  if (auto r = check_schema(schema); !r) return fail(r.error());
  Manifest m = manifest(root);
  if (!error.empty()) return fail(Errc::kParse, error);
  if (auto r = check_manifest(m); !r) return fail(r.error());
  return m;
}

}  // namespace fptrace
