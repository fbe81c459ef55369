#include "fingerprint/view/graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "common/base/text.h"
#include "fingerprint/file_edges.h"

namespace fptrace {
namespace {

constexpr size_t kMaxSeparate = 3;  // files of one directory that are nodes of their own
constexpr size_t kMaxNodes = 8;   // for the files with the same openers; beyond, directories merge
constexpr size_t kMaxDepth = 32;  // of a directory that stands for its files
constexpr size_t kMaxLabel = 48;  // bytes of one line of a label

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string directory(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
size_t depth(const std::string& dir) { return size_t(std::count(dir.begin(), dir.end(), '/')); }
// "/a/b/" -> "/a/", "/" -> ""
std::string parent(const std::string& dir) {
  const size_t end = dir.size() < 2 ? dir.npos : dir.rfind('/', dir.size() - 2);
  return end == dir.npos ? "" : dir.substr(0, end + 1);
}

// Files by directory, of those that are to be put together; directories are merged, the deepest
// first, until few enough nodes are left.
using Folders = std::map<std::string, std::vector<size_t>>;
size_t node_count(const Folders& folders) {
  size_t sum = 0;
  for (const auto& [dir, files] : folders) sum += files.size() > kMaxSeparate ? 1 : files.size();
  return sum;
}
Folders merged(Folders folders) {
  for (size_t level = kMaxDepth; level > 1 && node_count(folders) > kMaxNodes; --level) {
    Folders next;
    for (auto& [dir, files] : folders) {
      std::vector<size_t>& to = next[depth(dir) >= level ? parent(dir) : dir];
      to.insert(to.end(), files.begin(), files.end());
    }
    folders = std::move(next);
  }
  return folders;
}

// The middle goes, as the ends of a name say most. Only whole characters.
std::string shortened(const std::string& text) {
  if (text.size() <= kMaxLabel) return text;
  const auto is_inside = [&](size_t at) { return at < text.size() && (text[at] & 0xc0) == 0x80; };
  size_t head = kMaxLabel / 2, tail = text.size() - kMaxLabel / 2;
  while (is_inside(head)) --head;
  while (is_inside(tail)) ++tail;
  return text.substr(0, head) + "…" + text.substr(tail);
}

// A string in DOT's quotes. Within labels `\` begins an escape and `&` an HTML entity.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string quoted_name(const std::string& bytes) { return quoted(printable(bytes)); }

std::string package_label(const Package& p) {
  return p.version.empty() ? printable(p.name) : printable(p.name) + " " + printable(p.version);
}

// One node of the picture that stands for files.
enum class NodeKind : uint8_t { kFiles, kLibraries, kDirectories };
struct FileNode {
  std::vector<size_t> files;
  NodeKind kind = NodeKind::kFiles;
  std::string folder = {};  // of several files
};

class DotWriter {
 public:
  DotWriter(const Manifest& m, const GraphOptions& options)
      : m_(m), options_(options), node_of_(m.files.size(), kNone) {
    for (const FileEdge& e : file_edges(m)) {
      edges_.push_back(e);
      openers_[e.to].insert(e.from);
    }
  }

  std::string write() {
    make_nodes();
    const std::string title = m_.argv.empty() ? "" : printable(m_.argv[0]);
    out_ =
        "digraph fptrace {\n"
        "  graph [rankdir=LR, ranksep=1.2, nodesep=0.15, compound=true, fontname=\"sans-serif\"";
    out_ += ", label=" + quoted(title) + ", labelloc=t];\n";
    out_ +=
        "  node [shape=box, fontname=\"sans-serif\", fontsize=11, style=filled, "
        "fillcolor=white, height=0.3, margin=\"0.1,0.04\"];\n"
        "  edge [arrowsize=0.6, color=\"#666666\"];\n";
    write_processes();
    write_packages();
    write_edges();
    return out_ + "}\n";
  }

 private:
  static constexpr size_t kNone = size_t(-1);

  bool is_left_out(const ManifestFile& f) const {
    if (f.roles == RoleSet{Role::kMetadata}) return true;
    return !options_.system_libraries && f.package && f.roles == RoleSet{Role::kLibrary};
  }
  // Extension modules come in crowds, the libraries that programs are linked with do not.
  static bool is_alone(const ManifestFile& f) {
    return f.roles.has(Role::kExecutable) || f.roles.has(Role::kScript) ||
           f.roles.has(Role::kInterpreter) || f.roles.has(Role::kSocket) ||
           (f.roles.has(Role::kLibrary) && f.linkage != Linkage::kDlopen);
  }

  void add_node(FileNode node) {
    for (const size_t i : node.files) node_of_[i] = nodes_.size();
    nodes_.push_back(std::move(node));
  }

  void make_nodes() {
    using Group = std::tuple<std::optional<Package>, NodeKind, std::set<size_t>>;
    std::map<Group, Folders> groups;
    for (size_t i = 0; i < m_.files.size(); ++i) {
      const ManifestFile& f = m_.files[i];
      if (is_left_out(f)) continue;
      if (is_alone(f)) {
        add_node({{i}});
        continue;
      }
      const NodeKind kind = f.type == FileType::kDirectory ? NodeKind::kDirectories
                            : f.roles.has(Role::kLibrary)  ? NodeKind::kLibraries
                                                           : NodeKind::kFiles;
      std::string folder = kind == NodeKind::kDirectories ? "" : directory(f.path);
      while (depth(folder) > kMaxDepth) folder = parent(folder);
      groups[{f.package, kind, openers_[i]}][folder].push_back(i);
    }
    for (auto& [group, folders] : groups) {
      for (auto& [folder, files] : merged(std::move(folders))) {
        if (files.size() > kMaxSeparate) {
          add_node({std::move(files), std::get<1>(group), folder});
          continue;
        }
        for (const size_t i : files) add_node({{i}, std::get<1>(group)});
      }
    }
  }

  // Equal processes with the same parent are one node.
  void write_processes() {
    if (!m_.processes) return;
    using Key = std::tuple<size_t, std::string, std::string>;
    std::map<Key, size_t> index;
    std::unordered_map<uint32_t, size_t> of_process;
    for (const ManifestProcess& p : *m_.processes) {
      const auto parent = of_process.find(p.parent);
      const size_t above = parent == of_process.end() ? kNone : parent->second;
      const std::string name = p.argv.empty() ? base_name(p.program) : base_name(p.argv[0]);
      const auto [it, added] = index.try_emplace({above, p.program, name}, process_nodes_.size());
      if (added) process_nodes_.push_back({name, p.program, p.argv, above, 0});
      ++process_nodes_[it->second].count;
      of_process.emplace(p.id, it->second);
    }
    for (size_t i = 0; i < process_nodes_.size(); ++i) write_process(i);
  }

  void write_process(size_t i) {
    const ProcessNode& p = process_nodes_[i];
    std::string label = shortened(printable(p.name)), arguments;
    for (size_t a = 1; a < p.argv.size(); ++a) (arguments += a > 1 ? " " : "") += p.argv[a];
    if (p.count > 1) {
      label += " ×" + std::to_string(p.count);
    } else if (!arguments.empty()) {
      label += "\n" + shortened(printable(arguments));
    }
    out_ += "  p" + std::to_string(i) +
            " [shape=ellipse, fillcolor=\"#dbe9f6\", label=" + quoted(label) +
            ", tooltip=" + quoted_name(p.program) + "];\n";
  }

  std::string node_label(const FileNode& n) const {
    const ManifestFile& first = m_.files[n.files[0]];
    if (n.files.size() == 1) {
      // A name alone says little of a file that is no package's.
      std::string path = printable(first.path);
      const bool whole = !first.package || n.kind == NodeKind::kDirectories;
      if (whole && path.size() <= kMaxLabel) return path;
      return (whole ? "…/" : "") + shortened(base_name(path));
    }
    const std::string count = std::to_string(n.files.size());
    if (n.kind == NodeKind::kDirectories) return count + " directories listed";
    return shortened(printable(n.folder)) + "\n" + count +
           (n.kind == NodeKind::kLibraries ? " libraries" : " files");
  }

  static const char* colour(const FileNode& n, const ManifestFile& f) {
    if (n.kind == NodeKind::kDirectories) return "#f4f4f4";
    if (f.roles.has(Role::kExecutable)) return "#cfe8cf";
    if (f.roles.has(Role::kScript) || f.roles.has(Role::kInterpreter)) return "#e3f0c8";
    if (f.roles.has(Role::kLibrary)) return "#fde9c9";
    return "#ffffff";
  }

  void write_node(size_t i, const char* indent) {
    const FileNode& n = nodes_[i];
    const ManifestFile& first = m_.files[n.files[0]];
    const bool many = n.files.size() > 1;
    out_ += indent + ("f" + std::to_string(i)) + " [label=" + quoted(node_label(n)) +
            ", fillcolor=\"" + colour(n, first) + "\"";
    if (many || n.kind == NodeKind::kDirectories) out_ += ", shape=folder";
    out_ += ", tooltip=" + quoted_name(many ? n.folder : first.path) + "];\n";
  }

  void write_packages() {
    std::map<Package, std::vector<size_t>> packages;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const auto& package = m_.files[nodes_[i].files[0]].package;
      if (package) {
        packages[*package].push_back(i);
      } else {
        write_node(i, "  ");
      }
    }
    size_t number = 0;
    for (const auto& [package, nodes] : packages) {
      out_ += "  subgraph cluster_" + std::to_string(number++) +
              " {\n    label=" + quoted(package_label(package)) +
              "; style=\"rounded,filled\"; color=\"#b0b0b0\"; fillcolor=\"#f7f7fb\"; "
              "fontsize=12;\n";
      for (const size_t i : nodes) write_node(i, "    ");
      out_ += "  }\n";
    }
  }

  void write_edge(const std::string& from, const std::string& to, const char* attributes) {
    const std::string line = "  " + from + " -> " + to + attributes + ";\n";
    if (written_.insert(line).second) out_ += line;
  }

  void write_edges() {
    std::unordered_map<std::string, size_t> by_path;
    for (size_t i = 0; i < m_.files.size(); ++i) by_path.try_emplace(m_.files[i].path, i);
    for (size_t i = 0; i < process_nodes_.size(); ++i) {
      const ProcessNode& p = process_nodes_[i];
      const std::string self = "p" + std::to_string(i);
      if (p.parent != kNone) {
        write_edge("p" + std::to_string(p.parent), self, " [color=\"#3b6ea5\", penwidth=1.4]");
      }
      const auto program = by_path.find(p.program);
      if (program == by_path.end() || node_of_[program->second] == kNone) continue;
      write_edge(self, "f" + std::to_string(node_of_[program->second]), " [color=\"#2e7d32\"]");
    }
    for (const FileEdge& e : edges_) {
      const size_t from = node_of_[e.from], to = node_of_[e.to];
      if (from == kNone || to == kNone || from == to) continue;
      write_edge("f" + std::to_string(from), "f" + std::to_string(to),
                 e.kind == EdgeKind::kNeeded   ? ""
                 : e.kind == EdgeKind::kLoader ? " [style=dashed]"
                                               : " [style=dotted]");
    }
  }

  struct ProcessNode {
    std::string name, program;
    std::vector<std::string> argv;  // of the first
    size_t parent = kNone;
    size_t count = 0;
  };

  const Manifest& m_;
  GraphOptions options_;
  std::vector<FileEdge> edges_;
  std::map<size_t, std::set<size_t>> openers_;  // of each file
  std::vector<size_t> node_of_;                 // of each file; kNone: left out
  std::vector<FileNode> nodes_;
  std::vector<ProcessNode> process_nodes_;
  std::set<std::string> written_;  // edges
  std::string out_;
};

}  // namespace

std::string to_dot(const Manifest& manifest, const GraphOptions& options) {
  return DotWriter(manifest, options).write();
}

}  // namespace fptrace
