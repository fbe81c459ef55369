#include "common/analysis/process_history.h"

namespace fptrace {

Result<void> ProcessHistory::on_event(const Event& event) {
  const auto* exec = std::get_if<ExecEvent>(&event.body);
  if (exec != nullptr && exec->error == 0 && event.process.serial != 0) {
    ExecStep step{exec->program.file.path, "", exec->argv, event.time_ns};
    if (!exec->interpreters.empty()) step.interpreter = executed_binary(*exec).path;
    steps_[event.process].push_back(std::move(step));
  }
  return tree_.on_event(event);
}

const std::vector<ExecStep>& ProcessHistory::steps(ProcessKey key) const {
  static const std::vector<ExecStep> kNone;
  const auto it = steps_.find(key);
  return it == steps_.end() ? kNone : it->second;
}

namespace {

class TreeWalk {
 public:
  explicit TreeWalk(const std::vector<ProcessRecord>& all)
      : all_(all), children_(all.size()), seen_(all.size()) {
    std::unordered_map<ProcessKey, size_t, ProcessKeyHash> index;
    for (size_t i = 0; i < all.size(); ++i) index.emplace(all[i].key, i);
    for (size_t i = 0; i < all.size(); ++i) {
      const auto it = index.find(all[i].parent);
      if (it == index.end()) {
        roots_.push_back(i);
      } else {
        children_[it->second].push_back(i);
      }
    }
  }

  std::vector<TreePlace> places() {
    for (size_t i = 0; i < roots_.size(); ++i) walk({roots_[i], 0, i + 1 == roots_.size(), false});
    for (size_t i = 0; i < all_.size(); ++i) {
      if (!seen_[i]) walk({i, 0, true, false});
    }
    return std::move(out_);
  }

 private:
  bool outlived(size_t child, size_t parent) const {
    const ProcessRecord &c = all_[child], &p = all_[parent];
    return p.exit && (!c.exit || c.end_ns > p.end_ns);
  }
  void walk(TreePlace root) {
    std::vector<TreePlace> todo{root};
    while (!todo.empty()) {
      const TreePlace place = todo.back();
      todo.pop_back();
      if (seen_[place.index]) continue;
      seen_[place.index] = true;
      out_.push_back(place);
      const auto& children = children_[place.index];
      for (size_t i = children.size(); i-- > 0;) {
        todo.push_back({children[i], place.depth + 1, i + 1 == children.size(),
                        outlived(children[i], place.index)});
      }
    }
  }

  const std::vector<ProcessRecord>& all_;
  std::vector<std::vector<size_t>> children_;
  std::vector<size_t> roots_;
  std::vector<bool> seen_;
  std::vector<TreePlace> out_;
};

}  // namespace

std::vector<TreePlace> tree_order(const ProcessTree& tree) {
  return TreeWalk(tree.processes()).places();
}

}  // namespace fptrace
