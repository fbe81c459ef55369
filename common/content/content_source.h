#pragma once
#include <memory>
#include <optional>
#include <string>

#include "common/event/event.h"

namespace fptrace {

// Where the contents of a trace's files are read: on this host, or in a guest's memory.
// ContentTracker calls hash() from its threads, everything else from the tracer's.
class ContentSource {
 public:
  // A file that stays within reach whatever becomes of its name.
  class Held {
   public:
    virtual ~Held() = default;
  };

  virtual ~ContentSource() = default;
  // Whether `path` is that very file now.
  virtual bool leads_to(const std::string& path, const FileRef& file) = 0;
  // Of what `path` leads to now, also when that is a magic link of procfs. nullptr: to nothing.
  virtual std::unique_ptr<Held> hold(const std::string& path) = 0;
  // The regular file that is at `path` now, with FileRef::path empty; no link is followed.
  virtual std::optional<FileRef> regular_file(const std::string& path) = 0;
  // The content of `file`, from `held` or else where `reach` leads: a ContentEvent, or a GapEvent
  // that says why there is none. nullopt: `file` is not there (any more).
  virtual std::optional<EventBody> hash(ContentStage stage, const FileRef& file,
                                        const std::string& reach, const Held* held) = 0;
};

// This host's files.
ContentSource& host_contents();

}  // namespace fptrace
