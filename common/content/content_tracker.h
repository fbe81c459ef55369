#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/content/content_source.h"
#include "common/content/input_store.h"
#include "common/event/event.h"

namespace fptrace {

// Knows the content of every file that a run depends on as it was before the run's first change
// to it, and of every file that the run left behind (DESIGN, truth rule 3).
//
// It watches the event stream. An input is queued when it is first read and hashed by idle-priority
// threads while the program runs; before_change() makes sure that a file about to be written has
// been read first. Each (device, inode) is hashed once, files that the run itself made never as
// inputs. All methods are for one thread, the tracer's.
class ContentTracker {
 public:
  // `store`, which may be null and must outlive this object, gets the content of every input before
  // the run changes it for the first time.
  // No threads: everything is read at once in before_change() and finish().
  explicit ContentTracker(unsigned threads, const InputStore* store = nullptr,
                          ContentSource& source = host_contents());
  ~ContentTracker();  // stops the threads; what they have not done is lost

  void observe(const Event& event);
  // To be called before a call runs that may change or remove `file`. `keeps_content`: the call
  // does not throw the old content away at once, so it counts as read (open without O_TRUNC).
  void before_change(const FileRef& file, bool keeps_content);
  // Appends ContentEvents (and GapEvents for what could not be read) that have become ready.
  void take_ready(std::vector<EventBody>& out);
  // The run is over: hashes what is left, at normal priority, and the outputs; appends them.
  void finish(std::vector<EventBody>& out);

 private:
  struct Identity {
    uint64_t dev, ino;
    bool operator==(const Identity&) const = default;
  };
  struct IdentityHash {
    size_t operator()(const Identity& i) const {
      return size_t(i.ino * 0x9e3779b97f4a7c15 ^ i.dev);
    }
  };
  enum class State { kQueued, kHashed, kOwn };
  struct Job {
    uint64_t number = 0;
    ContentStage stage = ContentStage::kInput;
    FileRef file;
    std::string reach;                          // opens the file
    std::unique_ptr<ContentSource::Held> held;  // used instead when no path leads to it for long
  };
  struct Entry {
    State state = State::kQueued;
    uint64_t job = 0;
    FileRef file;
    std::string reach;
    bool renamed = false;  // since `file`
  };

  void read(const FileRef& file, const std::string& other_reach);
  void written(const FileRef& file);
  void renamed(const RenameEvent& event);
  void save(const Entry& entry);
  void follow(const Lookup& from, const Lookup& to);
  std::optional<EventBody> hash(const Job& job);
  void settle(Job job, std::optional<EventBody> result);
  void find_lost();
  void work(const std::stop_token& stop, bool until_empty);
  void start_threads(unsigned count, bool until_empty);

  const InputStore* store_;
  ContentSource& source_;
  std::unordered_map<Identity, Entry, IdentityHash> entries_;
  std::map<std::string, std::string> outputs_;  // path -> how to reach it

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::deque<Job> queue_;
  std::unordered_map<uint64_t, bool> dropped_;  // jobs whose result is not wanted any more
  std::vector<EventBody> ready_;
  // Their files were renamed before a thread came to them: tried again where they are by then.
  std::unordered_map<uint64_t, Job> lost_;
  uint64_t next_job_ = 0;
  unsigned threads_wanted_;
  std::vector<std::jthread> threads_;
};

}  // namespace fptrace
