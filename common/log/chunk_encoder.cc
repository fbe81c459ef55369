#include <xxhash.h>

#include <cstring>
#include <type_traits>

#include "common/log/codec.h"
#include "common/log/event.pb.h"
#include "common/log/hash_index.h"
#include "common/log/limits.h"
#include "common/log/transfer.h"

namespace fptrace {
namespace {

namespace pb = log::v1;
template <class T>
using Column = google::protobuf::RepeatedField<T>;

constexpr int64_t kSecond = 1'000'000'000;

int32_t difference(uint32_t now, uint32_t& before) {
  return int32_t(now - std::exchange(before, now));
}
int64_t difference64(uint64_t now, uint64_t& before) {
  return int64_t(now - std::exchange(before, now));
}

struct Time {
  int64_t sec, nsec;  // 0 <= nsec < kSecond
};
Time split(int64_t ns) {
  Time t{ns / kSecond, ns % kSecond};
  if (t.nsec < 0) t = {t.sec - 1, t.nsec + kSecond};
  return t;
}

// A FileRef with its strings interned. No padding: hashed and compared as bytes.
struct FileRow {
  uint32_t path, source;
  uint64_t dev, ino, mount;
  uint32_t mode, nlink;
  uint64_t size;
  int64_t mtime_ns, ctime_ns;
};
struct LookupRow {
  uint32_t path, base, links, file;
};
struct ProcessRow {
  int32_t pid;
  uint32_t serial;
};

// Interns fixed-size rows.
template <class Row>
class RowTable {
 public:
  static_assert(std::has_unique_object_representations_v<Row>);
  uint32_t intern(const Row& row) {
    return index_.find_or_add(
        XXH3_64bits(&row, sizeof row),
        [&](uint32_t at) { return std::memcmp(&rows_[at - 1], &row, sizeof row) == 0; },
        [&] {
          rows_.push_back(row);
          return uint32_t(rows_.size());
        });
  }
  const std::vector<Row>& rows() const { return rows_; }
  void clear() {
    rows_.clear();
    index_.clear();
  }

 private:
  std::vector<Row> rows_;
  HashIndex index_;
};

// Interns runs of T, stored end to end: characters of a string, items of a list.
template <class T>
class RunTable {
 public:
  uint32_t intern(const T* data, size_t n) {
    if (n == 0) return 0;
    return index_.find_or_add(
        XXH3_64bits(data, n * sizeof(T)),
        [&](uint32_t at) {
          return ends_[at] - ends_[at - 1] == n &&
                 std::memcmp(all_.data() + ends_[at - 1], data, n * sizeof(T)) == 0;
        },
        [&] {
          all_.insert(all_.end(), data, data + n);
          ends_.push_back(all_.size());
          return uint32_t(ends_.size() - 1);
        });
  }
  size_t rows() const { return ends_.size() - 1; }
  size_t size_of(size_t row) const { return ends_[row] - ends_[row - 1]; }
  const std::vector<T>& all() const { return all_; }
  void clear() {
    all_.clear();
    ends_.assign(1, 0);
    index_.clear();
  }

 private:
  std::vector<T> all_;
  std::vector<size_t> ends_{0};  // of row i in all_; row 0 is the empty one
  HashIndex index_;
};

// The interning tables of one chunk.
struct Tables {
  RunTable<char> strings;
  RunTable<uint32_t> lists;
  RowTable<FileRow> files;
  RowTable<LookupRow> lookups;
  RowTable<ProcessRow> processes;
  std::vector<uint32_t> scratch;  // one list's items

  uint32_t text(const std::string& s) { return strings.intern(s.data(), s.size()); }
  uint32_t list(const std::vector<std::string>& l) {
    if (l.empty()) return 0;
    scratch.clear();
    for (const auto& s : l) scratch.push_back(text(s));
    return lists.intern(scratch.data(), scratch.size());
  }
  uint32_t file(const FileRef& f) {
    const FileRow row{text(f.path), text(f.source), f.dev,  f.ino,      f.mount,
                      f.mode,       f.nlink,        f.size, f.mtime_ns, f.ctime_ns};
    static const FileRow kEmpty{};
    return std::memcmp(&row, &kEmpty, sizeof row) == 0 ? 0 : files.intern(row);
  }
  uint32_t lookup(const Lookup& l) {
    const LookupRow row{text(l.path), text(l.base), list(l.links), file(l.file)};
    return (row.path | row.base | row.links | row.file) == 0 ? 0 : lookups.intern(row);
  }
  uint32_t process(const ProcessKey& p) {
    return p == ProcessKey{} ? 0 : processes.intern({p.pid, p.serial});
  }

  size_t raw_size() const {
    return strings.all().size() + 2 * strings.rows() + 2 * lists.all().size() + 2 * lists.rows() +
           45 * files.rows().size() + 8 * lookups.rows().size() + 6 * processes.rows().size();
  }
  void clear() {
    strings.clear();
    lists.clear();
    files.clear();
    lookups.clear();
    processes.clear();
  }
};

// Io of transfer.h that interns and appends.
class Appender {
 public:
  template <class T>
  using Ref = const T;

  explicit Appender(pb::Chunk& chunk, Tables& tables) : chunk_(chunk), tables_(tables) {}
  pb::Chunk& columns() { return chunk_; }

  void text(const std::string& s) { chunk_.add_text(tables_.text(s)); }
  void labels(const TaintLabels& l) { text(to_text(l)); }
  void list(const std::vector<std::string>& l) { chunk_.add_list(tables_.list(l)); }
  void file(const FileRef& f) { chunk_.add_file(difference(tables_.file(f), last_file_)); }
  void lookup(const Lookup& l) { chunk_.add_lookup(difference(tables_.lookup(l), last_lookup_)); }
  template <class Wire, class T>
  void num(Column<Wire>* column, const T& value) {
    column->Add(Wire(value));
  }
  void diff(Column<int64_t>* column, uint64_t value) {
    column->Add(difference64(value, last_addr_));
  }
  template <class E>
  void choice(Column<uint32_t>* column, const E& value, E) {
    column->Add(uint32_t(value));
  }
  void process(Column<uint32_t>* column, const ProcessKey& p) { column->Add(tables_.process(p)); }
  template <class T>
  void count(Column<uint32_t>* column, const std::vector<T>& list) {
    column->Add(uint32_t(list.size()));
  }
  void late_text(Column<uint32_t>* column, int rows, const std::string& s) {
    if (s.empty()) return;
    column->Resize(rows - 1, 0);
    column->Add(tables_.text(s));
  }
  void tids(pb::AttachColumns* c, const std::vector<int32_t>& tids) {
    c->add_tid_count(uint32_t(tids.size()));
    for (const int32_t t : tids) c->add_tid(t);
  }
  void sha256(pb::ContentColumns* c, const Sha256& sum) {
    c->mutable_sha256()->append(reinterpret_cast<const char*>(sum.data()), sum.size());
  }

  void frame(const Event& e) {
    auto* c = chunk_.mutable_events();
    c->add_type(uint32_t(e.body.index()));
    c->add_time_ns(difference64(e.time_ns, last_time_));
    c->add_process(tables_.process(e.process));
    c->add_tid(int32_t(uint32_t(e.tid) - uint32_t(e.process.pid)));
  }
  void clear() { last_file_ = last_lookup_ = 0, last_addr_ = last_time_ = 0; }

 private:
  pb::Chunk& chunk_;
  Tables& tables_;
  uint32_t last_file_ = 0, last_lookup_ = 0;
  uint64_t last_addr_ = 0, last_time_ = 0;
};

// Io of transfer.h that only adds up what an event weighs.
class Scales {
 public:
  template <class T>
  using Ref = const T;

  explicit Scales(pb::Chunk& chunk) : chunk_(chunk) {}
  pb::Chunk& columns() { return chunk_; }
  uint64_t total() const { return total_; }

  void text(const std::string& s) { total_ += cost_of(s); }
  void labels(const TaintLabels& l) { text(to_text(l)); }
  void list(const std::vector<std::string>& l) { total_ += cost_of(l); }
  void file(const FileRef& f) { total_ += cost_of(f); }
  void lookup(const Lookup& l) { total_ += cost_of(l); }
  template <class C, class T>
  void num(C*, const T&) {}
  void diff(Column<int64_t>*, uint64_t) {}
  template <class E>
  void choice(Column<uint32_t>*, const E&, E) {}
  void process(Column<uint32_t>*, const ProcessKey&) {}
  template <class T>
  void count(Column<uint32_t>*, const std::vector<T>&) {}
  void late_text(Column<uint32_t>*, int, const std::string& s) {
    if (!s.empty()) total_ += cost_of(s);
  }
  void tids(pb::AttachColumns*, const std::vector<int32_t>& tids) {
    total_ += tids.size() * sizeof(int32_t);
  }
  void sha256(pb::ContentColumns*, const Sha256&) {}

 private:
  pb::Chunk& chunk_;
  uint64_t total_ = kEventCost;
};

template <class T>
void write_runs(const RunTable<T>& table, Column<uint32_t>* sizes) {
  sizes->Reserve(int(table.rows()));
  for (size_t row = 1; row <= table.rows(); ++row) sizes->Add(uint32_t(table.size_of(row)));
}

void write_files(const std::vector<FileRow>& rows, pb::FileTable* out) {
  uint32_t path = 0;
  uint64_t ino = 0, mtime_sec = 0;
  for (const FileRow& f : rows) {
    out->add_path(difference(f.path, path));
    out->add_source(f.source);
    out->add_dev(f.dev);
    out->add_ino(difference64(f.ino, ino));
    out->add_mount(f.mount);
    out->add_mode(f.mode);
    out->add_nlink(f.nlink);
    out->add_size(f.size);
    const Time m = split(f.mtime_ns), c = split(f.ctime_ns);
    out->add_mtime_sec(difference64(uint64_t(m.sec), mtime_sec));
    out->add_mtime_nsec(uint32_t(m.nsec));
    out->add_ctime_sec(c.sec - m.sec);
    out->add_ctime_nsec(int32_t(c.nsec - m.nsec));
  }
}

void write_lookups(const std::vector<LookupRow>& rows, pb::LookupTable* out) {
  uint32_t path = 0, file = 0;
  for (const LookupRow& l : rows) {
    out->add_path(difference(l.path, path));
    out->add_base(l.base);
    out->add_links(l.links);
    out->add_file(difference(l.file, file));
  }
}

void write_tables(const Tables& t, pb::Chunk& out) {
  out.mutable_strings()->mutable_data()->assign(t.strings.all().begin(), t.strings.all().end());
  write_runs(t.strings, out.mutable_strings()->mutable_size());
  out.mutable_lists()->mutable_item()->Add(t.lists.all().begin(), t.lists.all().end());
  write_runs(t.lists, out.mutable_lists()->mutable_size());
  write_files(t.files.rows(), out.mutable_files());
  write_lookups(t.lookups.rows(), out.mutable_lookups());
  for (const auto& p : t.processes.rows()) {
    out.mutable_processes()->add_pid(p.pid);
    out.mutable_processes()->add_serial(p.serial);
  }
}

}  // namespace

struct ChunkEncoder::State {
  pb::Chunk chunk;
  Tables tables;
  Appender append{chunk, tables};
  uint64_t cost = 0;
};

ChunkEncoder::ChunkEncoder() : state_(std::make_unique<State>()) {}
ChunkEncoder::~ChunkEncoder() = default;

uint64_t ChunkEncoder::weigh(const Event& event) {
  Scales scales(state_->chunk);
  std::visit([&](const auto& body) { log_detail::transfer(scales, body); }, event.body);
  return scales.total();
}

void ChunkEncoder::add(const Event& event, uint64_t weight) {
  state_->cost += weight;
  state_->append.frame(event);
  std::visit([&](const auto& body) { log_detail::transfer(state_->append, body); }, event.body);
}

uint32_t ChunkEncoder::count() const { return uint32_t(state_->chunk.events().type_size()); }
uint64_t ChunkEncoder::cost() const { return state_->cost; }

size_t ChunkEncoder::raw_size() const {
  const auto& c = state_->chunk;
  return state_->tables.raw_size() + 16 * size_t(count()) + 2 * size_t(c.text_size()) +
         2 * size_t(c.list_size()) + 2 * size_t(c.file_size()) + 2 * size_t(c.lookup_size()) +
         3 * size_t(c.attach().tid_size()) + 2 * size_t(c.open().opener_size()) +
         c.content().sha256().size();
}

void ChunkEncoder::finish(std::string& out) {
  write_tables(state_->tables, state_->chunk);
  state_->chunk.SerializeToString(&out);
  state_->chunk.Clear();
  state_->tables.clear();
  state_->append.clear();
  state_->cost = 0;
}

}  // namespace fptrace
