#include "common/log/json.h"

#include <algorithm>

#include "common/base/json_text.h"
#include "common/event/taint_names.h"
#include "common/log/text.h"

namespace fptrace {
namespace {

Json json(const FileRef& f) {
  Json j = Json::object();
  put(j, "path", f.path);
  put_nonempty(j, "source", f.source);
  if (!f.exists()) return j;
  j["dev"] = f.dev;
  j["ino"] = f.ino;
  j["mount"] = f.mount;
  j["mode"] = f.mode;
  j["nlink"] = f.nlink;
  j["size"] = f.size;
  j["mtime_ns"] = f.mtime_ns;
  j["ctime_ns"] = f.ctime_ns;
  return j;
}

Json json(const Lookup& l) {
  Json j = Json::object();
  put(j, "path", l.path);
  put_nonempty(j, "base", l.base);
  if (!l.links.empty()) put(j, "links", l.links);
  j["file"] = json(l.file);
  return j;
}

Json json(const ExitStatus& s) {
  return s.signal == 0 ? Json{{"code", s.code}} : Json{{"signal", s.signal}};
}
Json json(const ProcessKey& p) { return {{"pid", p.pid}, {"serial", p.serial}}; }

void body(Json& j, const TraceStartEvent& e) {
  put(j, "backend", e.backend);
  put(j, "argv", e.argv);
  put(j, "cwd", e.cwd);
  put(j, "os", e.os);
  put(j, "kernel", e.kernel);
  put(j, "machine", e.machine);
  j["wall_ns"] = e.wall_ns;
}
void body(Json& j, const TraceEndEvent& e) { j["status"] = json(e.status); }
void body(Json& j, const AttachEvent& e) {
  j["parent"] = json(e.parent);
  j["tids"] = e.tids;
}
void body(Json&, const DetachEvent&) {}
void body(Json& j, const ForkEvent& e) {
  j["child"] = json(e.child);
  j["clone_flags"] = e.clone_flags;
}
void body(Json& j, const ThreadEvent& e) {
  j["thread"] = e.tid;
  j["clone_flags"] = e.clone_flags;
}
void body(Json& j, const ThreadExitEvent& e) { j["thread"] = e.tid; }
void body(Json& j, const ExecEvent& e) {
  j["program"] = json(e.program);
  j["interpreters"] = Json::array();
  for (const auto& i : e.interpreters) j["interpreters"].push_back(json(i));
  if (e.loader.file.exists()) j["loader"] = json(e.loader);
  put(j, "argv", e.argv);
  put(j, "env", e.env);
  put(j, "cwd", e.cwd);
}
void body(Json& j, const ExitEvent& e) { j["status"] = json(e.status); }
void body(Json& j, const OpenEvent& e) {
  j["at"] = json(e.at);
  j["flags"] = e.flags;
  j["mode"] = e.mode;
  j["fd"] = e.fd;
  j["created"] = e.created;
  put_nonempty(j, "opener", e.opener);
}
void body(Json& j, const FdEvent& e) {
  j["origin"] = e.origin == FdOrigin::kInherited ? "inherited" : "received";
  j["fd"] = e.fd;
  j["flags"] = e.flags;
  j["file"] = json(e.file);
}
void body(Json& j, const MmapEvent& e) {
  j["file"] = json(e.file);
  j["addr"] = e.addr;
  j["length"] = e.length;
  j["offset"] = e.offset;
  j["prot"] = e.prot;
  j["flags"] = e.flags;
}
void body(Json& j, const ListEvent& e) { j["directory"] = json(e.directory); }
void body(Json& j, const PathEvent& e) {
  j["at"] = json(e.at);
  put_nonempty(j, "target", e.target);
}
void body(Json& j, const RenameEvent& e) {
  j["from"] = json(e.from);
  j["to"] = json(e.to);
}
void body(Json& j, const MountEvent& e) {
  put(j, "source", e.source);
  j["target"] = json(e.target);
  put(j, "fstype", e.fstype);
  j["flags"] = e.flags;
}
void body(Json& j, const SocketEvent& e) {
  j["family"] = e.family;
  put(j, "address", e.address);
  if (e.at != Lookup{}) j["at"] = json(e.at);
  if (e.peer_pid != 0) {
    j["peer_pid"] = e.peer_pid;
    put(j, "peer_exe", e.peer_exe);
    j["peer_traced"] = e.peer_traced;
  }
}
void body(Json& j, const SignalEvent& e) {
  j["signo"] = e.signo;
  j["sender"] = e.sender;
}
void body(Json& j, const ContentEvent& e) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string sum;
  for (const uint8_t byte : e.sha256) (sum += kDigits[byte >> 4]) += kDigits[byte & 15];
  j["stage"] = e.stage == ContentStage::kInput ? "input" : "output";
  j["file"] = json(e.file);
  j["sha256"] = std::move(sum);
}
void body(Json& j, const GapEvent& e) {
  put(j, "what", e.what);
  put_nonempty(j, "detail", e.detail);
}

Json json(const TaintLabels& labels) {
  Json runs = Json::array();
  for (const LabelRun& r : labels.runs) runs.push_back({r.first, r.last});
  return runs;
}
void put_labels(Json& j, const TaintLabels& labels) {
  j["labels"] = json(labels);
  if (labels.merged) j["merged"] = true;
}
void body(Json& j, const TaintSourceEvent& e) {
  j["origin"] = name_of(e.origin);
  put(j, "name", e.name);
  j["offset"] = e.offset;
  j["length"] = e.length;
  j["first_label"] = e.first_label;
  j["step"] = e.step;
}
void body(Json& j, const TaintWriteEvent& e) {
  j["sink"] = name_of(e.sink);
  j["file"] = json(e.file);
  j["offset"] = e.offset;
  j["length"] = e.length;
  j["positional"] = e.positional;
  put_labels(j, e.labels);
  j["depth"] = e.depth;
}
void body(Json& j, const TaintUseEvent& e) {
  j["use"] = name_of(e.use);
  j["address"] = e.at.address;
  put_nonempty(j, "object", e.at.object);
  j["offset"] = e.at.offset;
  put_nonempty(j, "symbol", e.at.symbol);
  put_nonempty(j, "source", e.at.source);
  if (e.at.line != 0) j["line"] = e.at.line;
  put_labels(j, e.labels);
  j["times"] = e.times;
}
void body(Json& j, const TaintHolderEvent& e) { put_labels(j, e.labels); }
void body(Json& j, const TaintQueryEvent& e) {
  if (e.of_register) j["register"] = e.number;
  j["address"] = e.address;
  j["length"] = e.length;
  j["positional"] = e.positional;
  put_labels(j, e.labels);
}
void body(Json& j, const TaintUnmodelledEvent& e) {
  put(j, "mnemonic", e.mnemonic);
  j["times"] = e.times;
  j["tainted"] = e.tainted;
}
void body(Json& j, const TaintSummaryEvent& e) {
  j["pointers"] = e.pointers;
  j["depths"] = e.depths;
  j["deepest"] = e.deepest;
  j["instructions"] = e.instructions;
  j["peak_labelled"] = e.peak_labelled;
  j["peak_shadow"] = e.peak_shadow;
  j["peak_sets"] = e.peak_sets;
  j["unmodelled"] = e.unmodelled;
  j["unmodelled_tainted"] = e.unmodelled_tainted;
  j["merged"] = e.merged;
}
void body(Json& j, const TaintNoteEvent& e) {
  put(j, "what", e.what);
  put_nonempty(j, "detail", e.detail);
}

}  // namespace

std::string to_json_line(const Event& event) {
  Json j = {{"seq", event.seq},         {"time_ns", event.time_ns},
            {"pid", event.process.pid}, {"serial", event.process.serial},
            {"tid", event.tid},         {"type", type_name(event)}};
  std::visit(
      [&](const auto& e) {
        if constexpr (requires { e.op; }) j["op"] = operation_name(event);
        body(j, e);
      },
      event.body);
  if (const int32_t error = error_of(event); error != 0) j["error"] = errno_name(error);
  return j.dump();
}

}  // namespace fptrace
