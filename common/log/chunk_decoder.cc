#include <array>
#include <span>
#include <utility>

#include "common/log/codec.h"
#include "common/log/event.pb.h"
#include "common/log/limits.h"
#include "common/log/transfer.h"

namespace fptrace {
namespace {

namespace pb = log::v1;
template <class T>
using Column = google::protobuf::RepeatedField<T>;

constexpr size_t kTypes = std::variant_size_v<EventBody>;

template <class T>
std::span<const T> all(const Column<T>& c) {
  return {c.data(), size_t(c.size())};
}

struct FileRow {
  uint32_t path, source;
  uint64_t dev, ino, mount, size;
  uint32_t mode, nlink;
  int64_t mtime_ns, ctime_ns;
};
struct LookupRow {
  uint32_t path, base, links, file;
};

// The tables of a chunk, checked: every index in them is in range. Row 0 is the empty value.
class Tables {
 public:
  Result<void> load(const pb::Chunk& chunk);

  // Views into the loaded message.
  std::vector<std::string_view> strings;
  std::vector<FileRow> files;
  std::vector<LookupRow> lookups;
  std::vector<ProcessKey> processes;
  std::span<const uint32_t> list(uint32_t row) const {
    return items_.subspan(list_ends_[row - 1], list_ends_[row] - list_ends_[row - 1]);
  }
  size_t lists() const { return list_ends_.size(); }  // rows, with row 0
  uint64_t list_cost(uint32_t row) const { return list_costs_[row]; }

 private:
  Result<void> load_strings(const pb::StringTable& t);
  Result<void> load_lists(const pb::ListTable& t);
  Result<void> load_files(const pb::FileTable& t);
  Result<void> load_lookups(const pb::LookupTable& t);
  Result<void> load_processes(const pb::ProcessTable& t);

  std::span<const uint32_t> items_;
  std::vector<size_t> list_ends_;
  std::vector<uint64_t> list_costs_;
};

tl::unexpected<Error> bad(std::string_view table, size_t row, std::string_view what) {
  return fail(Errc::kParse,
              std::string(table) + " " + std::to_string(row) + " " + std::string(what));
}

// All columns of a table have one value for each row.
Result<size_t> rows(std::string_view table, std::initializer_list<int> sizes) {
  const auto n = size_t(*sizes.begin());
  for (const int s : sizes) {
    if (size_t(s) != n) {
      return fail(Errc::kParse, "the columns of the " + std::string(table) + " differ in length");
    }
  }
  if (n > kMaxTableRows) {
    return fail(Errc::kParse, "the " + std::string(table) + " has " + std::to_string(n) +
                                  " rows, more than " + std::to_string(kMaxTableRows));
  }
  return n;
}

Result<void> Tables::load_strings(const pb::StringTable& t) {
  const auto n = rows("string table", {t.size_size()});
  if (!n) return fail(n.error());
  strings.assign(1, {});
  strings.reserve(*n + 1);
  std::string_view rest = t.data();
  for (const uint32_t size : all(t.size())) {
    if (size > rest.size()) return bad("string", strings.size(), "goes past the string data");
    strings.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return {};
}

Result<void> Tables::load_lists(const pb::ListTable& t) {
  const auto n = rows("list table", {t.size_size()});
  if (!n) return fail(n.error());
  items_ = all(t.item());
  list_ends_.assign(1, 0);
  list_costs_.assign(1, kStringCost);
  size_t end = 0;
  for (const uint32_t size : all(t.size())) {
    if (size > items_.size() - end) return bad("list", list_ends_.size(), "goes past the items");
    uint64_t cost = kStringCost;
    for (const uint32_t item : items_.subspan(end, size)) {
      if (item >= strings.size()) {
        return bad(
            "list", list_ends_.size(),
            "names string " + std::to_string(item) + " of " + std::to_string(strings.size() - 1));
      }
      cost += kStringCost + strings[item].size();
    }
    list_ends_.push_back(end += size);
    list_costs_.push_back(cost);
  }
  return {};
}

Result<void> Tables::load_files(const pb::FileTable& t) {
  const auto n = rows("file table",
                      {t.path_size(), t.source_size(), t.dev_size(), t.ino_size(), t.mount_size(),
                       t.mode_size(), t.nlink_size(), t.size_size(), t.mtime_sec_size(),
                       t.mtime_nsec_size(), t.ctime_sec_size(), t.ctime_nsec_size()});
  if (!n) return fail(n.error());
  constexpr uint64_t kSecond = 1'000'000'000;
  files.assign(1, {});
  files.reserve(*n + 1);
  uint32_t path = 0;
  uint64_t ino = 0, sec = 0;
  for (int i = 0; i < int(*n); ++i) {
    path += uint32_t(t.path(i));
    ino += uint64_t(t.ino(i));
    sec += uint64_t(t.mtime_sec(i));
    if (path >= strings.size() || t.source(i) >= strings.size()) {
      return bad("file", files.size(), "names a string that is not in the table");
    }
    // Unsigned, because a damaged log may hold anything, and any 64-bit number is a time.
    const uint64_t mtime = sec * kSecond + t.mtime_nsec(i);
    const uint64_t csec = sec + uint64_t(t.ctime_sec(i));
    const uint64_t ctime = csec * kSecond + t.mtime_nsec(i) + uint64_t(int64_t(t.ctime_nsec(i)));
    files.push_back({path, t.source(i), t.dev(i), ino, t.mount(i), t.size(i), t.mode(i), t.nlink(i),
                     int64_t(mtime), int64_t(ctime)});
  }
  return {};
}

Result<void> Tables::load_lookups(const pb::LookupTable& t) {
  const auto n =
      rows("lookup table", {t.path_size(), t.base_size(), t.links_size(), t.file_size()});
  if (!n) return fail(n.error());
  lookups.assign(1, {});
  lookups.reserve(*n + 1);
  uint32_t path = 0, file = 0;
  for (int i = 0; i < int(*n); ++i) {
    path += uint32_t(t.path(i));
    file += uint32_t(t.file(i));
    if (path >= strings.size() || t.base(i) >= strings.size() || t.links(i) >= lists() ||
        file >= files.size()) {
      return bad("lookup", lookups.size(), "names a row that is not in its table");
    }
    lookups.push_back({path, t.base(i), t.links(i), file});
  }
  return {};
}

Result<void> Tables::load_processes(const pb::ProcessTable& t) {
  const auto n = rows("process table", {t.pid_size(), t.serial_size()});
  if (!n) return fail(n.error());
  processes.assign(1, {});
  for (int i = 0; i < int(*n); ++i) processes.push_back({t.pid(i), t.serial(i)});
  return {};
}

Result<void> Tables::load(const pb::Chunk& chunk) {
  if (auto r = load_strings(chunk.strings()); !r) return r;
  if (auto r = load_lists(chunk.lists()); !r) return r;
  if (auto r = load_files(chunk.files()); !r) return r;
  if (auto r = load_lookups(chunk.lookups()); !r) return r;
  return load_processes(chunk.processes());
}

// Io of transfer.h that overwrites an event of the right type. The first value that is missing or
// out of range ends the chunk: see error().
class Extractor {
 public:
  template <class T>
  using Ref = T;

  explicit Extractor(pb::Chunk& chunk, const Tables& tables) : chunk_(chunk), tables_(tables) {}
  pb::Chunk& columns() { return chunk_; }
  const std::string& error() const { return error_; }

  // `row` is the place of the event among those of its type: where its column values are.
  void begin(int row) {
    at_.row = row;
    at_.event_cost = 0;
    spend(kEventCost);
  }
  void clear() {
    at_ = {};
    error_.clear();
  }

  void text(std::string& s) {
    if (at_.text >= chunk_.text_size()) return refuse("the text stream is too short");
    const uint32_t row = chunk_.text(at_.text++);
    if (row >= tables_.strings.size()) return refuse("a string that is not in the table");
    if (spend(kStringCost + tables_.strings[row].size())) copy(row, s);
  }
  void labels(TaintLabels& l) {
    text(label_text_);
    if (!error_.empty()) return;
    auto parsed = parse_labels(label_text_);
    if (!parsed) return refuse("labels that cannot be read");
    l = *std::move(parsed);
  }
  void list(std::vector<std::string>& l) {
    if (at_.list >= chunk_.list_size()) return refuse("the list stream is too short");
    const uint32_t row = chunk_.list(at_.list++);
    if (row >= tables_.lists()) return refuse("a list that is not in the table");
    if (spend(tables_.list_cost(row))) copy_list(row, l);
  }
  void file(FileRef& f) {
    if (at_.file >= chunk_.file_size()) return refuse("the file stream is too short");
    at_.last_file += uint32_t(chunk_.file(at_.file++));
    if (at_.last_file >= tables_.files.size()) return refuse("a file that is not in the table");
    if (spend(file_cost(at_.last_file))) copy_file(at_.last_file, f);
  }
  void lookup(Lookup& l) {
    if (at_.lookup >= chunk_.lookup_size()) return refuse("the lookup stream is too short");
    at_.last_lookup += uint32_t(chunk_.lookup(at_.lookup++));
    if (at_.last_lookup >= tables_.lookups.size())
      return refuse("a lookup that is not in the table");
    const LookupRow& row = tables_.lookups[at_.last_lookup];
    const uint64_t cost = 2 * kStringCost + tables_.strings[row.path].size() +
                          tables_.strings[row.base].size() + tables_.list_cost(row.links) +
                          file_cost(row.file);
    if (!spend(cost)) return;
    copy(row.path, l.path);
    copy(row.base, l.base);
    copy_list(row.links, l.links);
    copy_file(row.file, l.file);
  }
  template <class Wire, class T>
  void num(Column<Wire>* column, T& value) {
    if (at_.row >= column->size()) return refuse("a column is too short");
    const Wire wire = column->Get(at_.row);
    value = T(wire);
    if (Wire(value) != wire) refuse("a number that is too large for its field");
  }
  void diff(Column<int64_t>* column, uint64_t& value) {
    if (at_.row >= column->size()) return refuse("a column is too short");
    value = at_.last_addr += uint64_t(column->Get(at_.row));
  }
  template <class E>
  void choice(Column<uint32_t>* column, E& value, E last) {
    if (at_.row >= column->size()) return refuse("a column is too short");
    if (column->Get(at_.row) > uint32_t(last)) return refuse("an unknown kind of operation");
    value = E(column->Get(at_.row));
  }
  void process(Column<uint32_t>* column, ProcessKey& p) {
    if (at_.row >= column->size()) return refuse("a column is too short");
    if (column->Get(at_.row) >= tables_.processes.size()) {
      return refuse("a process that is not in the table");
    }
    p = tables_.processes[column->Get(at_.row)];
  }
  // Sizes `list` for elements that are lookups.
  void count(Column<uint32_t>* column, std::vector<Lookup>& list) {
    if (at_.row >= column->size()) return refuse("a column is too short");
    const uint32_t n = column->Get(at_.row);
    if (n > uint32_t(chunk_.lookup_size() - at_.lookup)) {
      return refuse("the lookup stream is too short");
    }
    if (n * sizeof(Lookup) > kMaxEventCost) return refuse("an event that is too large");
    list.resize(n);
  }
  void late_text(Column<uint32_t>* column, int, std::string& s) {
    const uint32_t row = at_.row < column->size() ? column->Get(at_.row) : 0;
    if (row >= tables_.strings.size()) return refuse("a string that is not in the table");
    if (row == 0) return s.clear();
    if (spend(kStringCost + tables_.strings[row].size())) copy(row, s);
  }
  void tids(pb::AttachColumns* c, std::vector<int32_t>& tids) {
    if (at_.row >= c->tid_count_size()) return refuse("a column is too short");
    const uint32_t n = c->tid_count(at_.row);
    if (n > uint32_t(c->tid_size() - at_.tid)) return refuse("the tid column is too short");
    if (!spend(n * sizeof(int32_t))) return;
    tids.assign(c->tid().begin() + at_.tid, c->tid().begin() + at_.tid + int(n));
    at_.tid += int(n);
  }
  void sha256(pb::ContentColumns* c, Sha256& sum) {
    const size_t at = size_t(at_.row) * sum.size();
    if (c->sha256().size() < at + sum.size()) return refuse("the sha256 column is too short");
    c->sha256().copy(reinterpret_cast<char*>(sum.data()), sum.size(), at);
  }

 private:
  void refuse(std::string_view what) {
    if (error_.empty()) error_ = what;
  }
  // False once the event or the chunk is larger than a log may hold.
  bool spend(uint64_t cost) {
    at_.event_cost += cost;
    at_.chunk_cost += cost;
    if (at_.event_cost > kMaxEventCost) refuse("an event that is too large");
    if (at_.chunk_cost > kMaxChunkCost) refuse("the chunk stands for too much data");
    return error_.empty();
  }
  uint64_t file_cost(uint32_t row) const {
    const FileRow& f = tables_.files[row];
    return kFileCost + 2 * kStringCost + tables_.strings[f.path].size() +
           tables_.strings[f.source].size();
  }
  void copy(uint32_t row, std::string& s) const { s = tables_.strings[row]; }
  void copy_list(uint32_t row, std::vector<std::string>& l) const {
    if (row == 0) return l.clear();
    const auto items = tables_.list(row);
    l.resize(items.size());
    for (size_t i = 0; i < items.size(); ++i) copy(items[i], l[i]);
  }
  void copy_file(uint32_t row, FileRef& f) const {
    const FileRow& r = tables_.files[row];
    copy(r.path, f.path);
    copy(r.source, f.source);
    f.dev = r.dev, f.ino = r.ino, f.mount = r.mount, f.mode = r.mode, f.nlink = r.nlink;
    f.size = r.size, f.mtime_ns = r.mtime_ns, f.ctime_ns = r.ctime_ns;
  }

  pb::Chunk& chunk_;
  const Tables& tables_;
  struct Position {
    int row = 0;                                   // of the event, in the columns of its type
    int text = 0, list = 0, file = 0, lookup = 0;  // next unused of each stream
    int tid = 0;                                   // next unused of AttachColumns.tid
    uint32_t last_file = 0, last_lookup = 0;       // sums of differences
    uint64_t last_addr = 0;
    uint64_t event_cost = 0, chunk_cost = 0;
  } at_;
  std::string label_text_;
  std::string error_;
};

template <size_t... I>
std::array<Event, kTypes> one_of_each(std::index_sequence<I...>) {
  std::array<Event, kTypes> events;
  (events[I].body.emplace<I>(), ...);
  return events;
}

}  // namespace

struct ChunkDecoder::State {
  pb::Chunk chunk;
  Tables tables;
  Extractor extract{chunk, tables};
  // One event of each type, overwritten in place: strings and lists keep their memory.
  std::array<Event, kTypes> events = one_of_each(std::make_index_sequence<kTypes>());
  std::array<int, kTypes> seen{};  // events of each type so far
  int next = 0, count = 0;
  uint64_t first_seq = 0, time_ns = 0;

  template <size_t... I>
  void read_body(Event& e, std::index_sequence<I...>) {
    using Read = void (*)(Extractor&, Event&);
    static constexpr Read kRead[] = {
        [](Extractor& io, Event& to) { log_detail::transfer(io, *std::get_if<I>(&to.body)); }...};
    kRead[e.body.index()](extract, e);
  }
};

ChunkDecoder::ChunkDecoder() : state_(std::make_unique<State>()) {}
ChunkDecoder::~ChunkDecoder() = default;

Result<void> ChunkDecoder::load(std::string_view raw, uint64_t first_seq, uint32_t count) {
  State& s = *state_;
  s.next = s.count = 0;
  s.time_ns = 0;
  s.first_seq = first_seq;
  s.seen.fill(0);
  s.extract.clear();
  if (raw.size() > kMaxRawBytes || !s.chunk.ParseFromArray(raw.data(), int(raw.size()))) {
    return fail(Errc::kParse, "it is not a protobuf Chunk message");
  }
  const auto& e = s.chunk.events();
  const auto n =
      rows("event columns", {e.type_size(), e.time_ns_size(), e.process_size(), e.tid_size()});
  if (!n) return fail(n.error());
  if (*n != count || count > kMaxChunkEvents) {
    return fail(Errc::kParse,
                "it has " + std::to_string(*n) + " events instead of " + std::to_string(count));
  }
  if (auto ok = s.tables.load(s.chunk); !ok) return ok;
  s.count = int(count);
  return {};
}

Result<const Event*> ChunkDecoder::next() {
  State& s = *state_;
  if (s.next == s.count) return nullptr;
  const int i = s.next++;
  const auto& columns = s.chunk.events();
  const uint64_t seq = s.first_seq + uint64_t(i);
  const uint32_t type = columns.type(i);
  std::string_view wrong;
  if (type >= kTypes) wrong = "an event type this version does not know";
  if (columns.process(i) >= s.tables.processes.size()) wrong = "a process that is not in the table";
  if (wrong.empty()) {
    Event& e = s.events[type];
    e.seq = seq;
    e.time_ns = s.time_ns += uint64_t(columns.time_ns(i));
    e.process = s.tables.processes[columns.process(i)];
    e.tid = int32_t(uint32_t(columns.tid(i)) + uint32_t(e.process.pid));
    s.extract.begin(s.seen[type]++);
    s.read_body(e, std::make_index_sequence<kTypes>());
    if (s.extract.error().empty()) return &e;
    wrong = s.extract.error();
  }
  s.count = s.next;  // nothing behind a damaged event can be trusted
  return fail(Errc::kParse, "event " + std::to_string(seq) + ": " + std::string(wrong));
}

}  // namespace fptrace
