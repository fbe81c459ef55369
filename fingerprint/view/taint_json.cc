#include "common/base/json_text.h"
#include "common/event/taint_names.h"
#include "fingerprint/view/taint_view.h"

namespace fptrace {
namespace {

using Bytes = TaintReport::Bytes;

Json json(const std::vector<Bytes>& bytes) {
  Json list = Json::array();
  for (const Bytes& b : bytes) {
    Json j{{"source", b.source}};
    if (!b.whole) {
      j["first"] = b.first;
      j["last"] = b.last;
    }
    list.push_back(std::move(j));
  }
  return list;
}

void put_from(Json& j, const std::vector<Bytes>& from, bool merged) {
  j["from"] = json(from);
  if (merged) j["merged"] = true;
}

Json json(const TaintReport::Source& s, bool coarse) {
  Json j{{"origin", name_of(s.origin)}};
  put(j, "name", s.name);
  if (coarse) return j;
  j["one_label"] = s.one_label;
  j["bytes"] = s.bytes;
  j["ranges"] = json(s.ranges);
  j["dead_bytes"] = s.dead_bytes;
  j["dead"] = json(s.dead);
  return j;
}

Json json(const TaintReport::Process& p) {
  Json j{{"pid", p.key.pid}, {"serial", p.key.serial}};
  put(j, "program", p.program);
  put(j, "argv", p.argv);
  put_from(j, p.holds, p.merged);
  return j;
}

Json json(const TaintReport::Output& o, bool coarse) {
  Json j{{"sink", name_of(o.sink)}};
  put(j, "name", o.name);
  j["internal"] = o.internal;
  if (!coarse) j["bytes"] = o.bytes;
  put_from(j, o.from, o.merged);
  j["processes"] = o.processes;
  return j;
}

Json json(const TaintReport::Flow& f) {
  Json j{{"output", f.output}, {"first", f.first}, {"last", f.last}, {"positional", f.positional}};
  put_from(j, f.from, f.merged);
  if (f.depth > 0) j["depth"] = f.depth;
  return j;
}

Json json(const TaintReport::Use& u) {
  Json j{{"use", name_of(u.use)}, {"address", u.at.address}};
  put_nonempty(j, "object", u.at.object);
  if (!u.at.object.empty()) j["offset"] = u.at.offset;
  put_nonempty(j, "symbol", u.at.symbol);
  put_nonempty(j, "source_file", u.at.source);
  if (u.at.line != 0) j["line"] = u.at.line;
  j["processes"] = u.processes;
  j["times"] = u.times;
  put_from(j, u.from, u.merged);
  return j;
}

Json json(const TaintReport::Query& q) {
  Json j;
  if (q.event.of_register) j["register"] = q.event.number;
  j["address"] = q.event.address;
  j["length"] = q.event.length;
  j["positional"] = q.event.positional;
  put_from(j, q.from, q.event.labels.merged);
  return j;
}

Json json(const TaintSummaryEvent& s) {
  Json j{{"policy", s.pointers ? "pointers" : "data"}};
  if (s.depths) j["depth"] = s.deepest;
  j["instructions"] = s.instructions;
  j["peak_labelled"] = s.peak_labelled;
  j["peak_shadow"] = s.peak_shadow;
  j["peak_sets"] = s.peak_sets;
  j["unmodelled"] = s.unmodelled;
  j["unmodelled_tainted"] = s.unmodelled_tainted;
  j["merged"] = s.merged;
  return j;
}

Json json(const TaintDifference& d) {
  Json outputs = Json::array();
  for (const auto& o : d.outputs) {
    Json j;
    put(j, "name", o.name);
    j["bytes"] = o.bytes;
    put(j, "from", o.from);
    outputs.push_back(std::move(j));
  }
  return {{"outputs", std::move(outputs)}, {"places", d.uses}};
}

template <class List, class Make>
Json all(const List& list, Make make) {
  Json out = Json::array();
  for (const auto& item : list) out.push_back(make(item));
  return out;
}

}  // namespace

std::string taint_json(const TaintReport& r, const TaintDifference* difference) {
  const auto plain = [](const auto& item) { return json(item); };
  Json j{{"schema", "fptrace.taint/1"}, {"coarse", r.coarse}, {"complete", r.complete}};
  put(j, "cwd", r.cwd);
  j["sources"] = all(r.sources, [&](const auto& s) { return json(s, r.coarse); });
  j["processes"] = all(r.processes, plain);
  j["outputs"] = all(r.outputs, [&](const auto& o) { return json(o, r.coarse); });
  if (!r.coarse) {
    j["flows"] = all(r.flows, plain);
    j["uses"] = all(r.uses, plain);
    j["queries"] = all(r.queries, plain);
    j["unmodelled"] = all(r.unmodelled, [](const TaintUnmodelledEvent& u) {
      Json row;
      put(row, "mnemonic", u.mnemonic);
      row["times"] = u.times;
      row["tainted"] = u.tainted;
      return row;
    });
    j["summary"] = json(r.summary);
  }
  j["notes"] = all(r.notes, [](const TaintNoteEvent& n) {
    Json note;
    put(note, "what", n.what);
    put(note, "detail", n.detail);
    return note;
  });
  if (difference) j["only_with_pointers"] = json(*difference);
  return j.dump() + "\n";
}

}  // namespace fptrace
