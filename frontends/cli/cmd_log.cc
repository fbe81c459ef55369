#include <array>
#include <iomanip>
#include <map>

#include "common/base/json_text.h"
#include "common/log/filter.h"
#include "common/log/json.h"
#include "common/log/log_reader.h"
#include "common/log/text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/log_source.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "json", "", "one JSON object a line (with --info: one object)"},
    {'f', "filter", "EXPR", "only events that match, e.g. 'type=open error=any path=/usr/*'"},
    {0, "from", "SEQ", "begin with this event"},
    {'n', "count", "N", "end after N events"},
    {0, "info", "", "what the log is about, instead of its events"},
};

ExitStatus failed(const Context& ctx, const Error& error) {
  ctx.err << "fptrace log: " << error.what << "\n";
  return {kToolFailed};
}

// All options, checked before the log is opened.
struct Request {
  std::string file;
  Filter filter;
  uint64_t from = 1, count = UINT64_MAX;
  bool json = false, info = false;
};

Result<uint64_t> number(const Arguments& args, std::string_view option, uint64_t otherwise) {
  if (!args.has(option)) return otherwise;
  const std::string text = args.value(option);
  const auto n = parse_number(text, 0, INT64_MAX);
  if (!n) return fail(Errc::kParse, "--" + std::string(option) + ": " + n.error().what);
  return uint64_t(*n);
}

Result<Request> parse_request(const Arguments& args) {
  if (args.operands().size() != 1) return fail(Errc::kParse, "one event log is needed");
  const auto filter = Filter::parse(args.value("filter"));
  if (!filter) return fail(filter.error());
  const auto from = number(args, "from", 1), count = number(args, "count", UINT64_MAX);
  if (!from) return fail(from.error());
  if (!count) return fail(count.error());
  return Request{args.operands()[0], *filter, *from, *count, args.has("json"), args.has("info")};
}

ExitStatus print_events(const Context& ctx, const Request& request, LogReader& reader) {
  if (auto ok = reader.seek(request.from); !ok) return failed(ctx, ok.error());
  for (uint64_t left = request.count; left > 0;) {
    const auto event = reader.next();
    if (!event) {
      ctx.out.flush();  // the events before the damage come before the complaint
      return failed(ctx, event.error());
    }
    if (*event == nullptr) break;
    if (!request.filter.matches(**event)) continue;
    ctx.out << (request.json ? to_json_line(**event) : to_text_line(**event)) << '\n';
    --left;
    if (!ctx.out) return failed(ctx, {Errc::kIo, "writing the output failed", 0});
  }
  return {};
}

struct Info {
  LogHeader header;
  uint64_t bytes = 0, chunks = 0, events = 0, first_seq = 0, last_seq = 0, time_ns = 0;
  bool indexed = false;
  std::map<std::string, uint64_t> operations;
  std::vector<std::string> argv;
  std::string backend;
  std::string damage;  // empty for a complete log
};

Info collect(const Request& request, LogReader& reader) {
  Info info;
  info.header = reader.header();
  info.bytes = reader.size();
  if (const auto chunks = reader.chunks()) info.chunks = chunks->size();
  info.indexed = reader.has_index();
  if (auto ok = reader.seek(request.from); !ok) info.damage = ok.error().what;
  while (info.damage.empty() && info.events < request.count) {
    const auto event = reader.next();
    if (!event) info.damage = event.error().what;
    if (!event || *event == nullptr) break;
    const Event& e = **event;
    if (!request.filter.matches(e)) continue;
    if (info.events++ == 0) info.first_seq = e.seq;
    info.last_seq = e.seq;
    info.time_ns = e.time_ns;
    ++info.operations[std::string(operation_name(e))];
    if (const auto* start = std::get_if<TraceStartEvent>(&e.body)) {
      info.argv = start->argv;
      info.backend = start->backend;
    }
  }
  return info;
}

std::vector<std::string_view> capability_names(uint32_t bits) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "processes", "files", "maps", "signals", "content", "taint", "openers"};
  std::vector<std::string_view> out;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if ((bits >> i & 1) != 0) out.push_back(kNames[i]);
  }
  return out;
}

void print_json(std::ostream& out, const Info& info) {
  Json j;
  put(j, "writer", info.header.writer);
  j["capabilities"] = capability_names(info.header.capabilities);
  put(j, "backend", info.backend);
  j["bytes"] = info.bytes;
  j["chunks"] = info.chunks;
  j["index"] = info.indexed;
  j["events"] = info.events;
  j["first_seq"] = info.first_seq;
  j["last_seq"] = info.last_seq;
  j["last_time_ns"] = info.time_ns;
  j["complete"] = info.damage.empty();
  j["operations"] = info.operations;
  put_nonempty(j, "argv", info.argv);
  put_nonempty(j, "damage", info.damage);
  out << j.dump() << '\n';
}

void print_text(std::ostream& out, const Info& info) {
  out << "written by    " << quote(info.header.writer) << ", backend " << quote(info.backend)
      << "\ncommand      ";
  for (const auto& a : info.argv) out << ' ' << quote(a);
  out << "\nreports      ";
  for (const auto name : capability_names(info.header.capabilities)) out << ' ' << name;
  out << "\nsize          " << info.bytes << " bytes in " << info.chunks << " chunks"
      << (info.indexed ? "" : ", no index") << "\nevents        " << info.events;
  if (info.events > 0) {
    out << ", seq " << info.first_seq << " to " << info.last_seq << ", until " << std::fixed
        << std::setprecision(6) << double(info.time_ns) / 1e9 << " s";
  }
  out << "\ncomplete      " << (info.damage.empty() ? "yes" : "no") << '\n';
  for (const auto& [name, n] : info.operations) {
    out << std::setw(12) << n << "  " << name << '\n';
  }
}

ExitStatus print_info(const Context& ctx, const Request& request, LogReader& reader) {
  const Info info = collect(request, reader);
  request.json ? print_json(ctx.out, info) : print_text(ctx.out, info);
  ctx.out.flush();
  return info.damage.empty() ? ExitStatus{} : failed(ctx, {Errc::kIo, info.damage, 0});
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  const auto request = parse_request(args);
  if (!request) return usage_error(ctx, kLog, request.error().what);
  const auto source = LogSource::of(request->file);
  if (!source) return failed(ctx, source.error());
  auto reader = LogReader::open(source->path());
  if (!reader) return failed(ctx, reader.error());
  return request->info ? print_info(ctx, *request, *reader) : print_events(ctx, *request, *reader);
}

}  // namespace

const Subcommand kLog{"log",
                      "FILE",
                      "show the events of an event log, or of a recording",
                      kOptions,
                      OperandRule::kAnywhere,
                      run};

}  // namespace fptrace::cli
