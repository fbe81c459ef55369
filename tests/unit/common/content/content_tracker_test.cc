#include "common/content/content_tracker.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace fptrace {
namespace {

Sha256 sha256(const std::string& text) {
  Sha256 digest;
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

class Contents : public ::testing::Test {
 protected:
  Contents() {
    char name[] = "/tmp/fptrace-test-XXXXXX";
    dir_ = std::filesystem::canonical(::mkdtemp(name));
  }
  ~Contents() override { std::filesystem::remove_all(dir_); }

  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  FileRef write(const std::string& name, const std::string& text) {
    std::ofstream(path(name)) << text;
    return ref(name);
  }
  FileRef ref(const std::string& name) {
    struct stat st {};
    EXPECT_EQ(::lstat(path(name).c_str(), &st), 0) << name;
    FileRef f;
    f.path = path(name);
    f.dev = st.st_dev;
    f.ino = st.st_ino;
    f.mode = st.st_mode;
    f.nlink = uint32_t(st.st_nlink);
    f.size = uint64_t(st.st_size);
    f.mtime_ns = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    return f;
  }
  void open(const FileRef& file, uint32_t flags, bool created = false) {
    OpenEvent e;
    e.at.file = file;
    e.flags = flags;
    e.created = created;
    tracker_.observe({1, 0, {::getpid(), 1}, ::getpid(), e});
  }
  void rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(path(from), path(to));
  }
  void observe_rename(const FileRef& from, const std::string& to) {
    RenameEvent e;
    e.from.file = from;
    e.to.file.path = path(to);
    tracker_.observe({2, 0, {1, 1}, 1, e});
  }
  // "input a: hash-of TEXT" by stage and name, gaps as "gap NAME".
  std::map<std::string, Sha256> finish() {
    std::vector<EventBody> bodies;
    tracker_.finish(bodies);
    std::map<std::string, Sha256> found;
    for (const auto& body : bodies) {
      if (const auto* c = std::get_if<ContentEvent>(&body)) {
        const std::string stage = c->stage == ContentStage::kInput ? "input " : "output ";
        found[stage + c->file.path.substr(dir_.size() + 1)] = c->sha256;
      } else {
        found["gap " + std::get<GapEvent>(body).what] = {};
      }
    }
    return found;
  }
  std::string dir_;
  ContentTracker tracker_{2};
};
using Found = std::map<std::string, Sha256>;

TEST_F(Contents, HashesWhatIsRead) {
  open(write("a", "one"), O_RDONLY);
  EXPECT_EQ(finish(), (Found{{"input a", sha256("one")}}));
}
TEST_F(Contents, InputThatIsOverwrittenLaterHasTheOldContent) {
  const FileRef a = write("a", "old");
  open(a, O_RDONLY);
  tracker_.before_change(a, false);
  write("a", "new");
  open(ref("a"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(finish(), (Found{{"input a", sha256("old")}, {"output a", sha256("new")}}));
}
TEST_F(Contents, InputsAreSavedBeforeTheirFirstChange) {
  const auto store = InputStore::open(path("saved"));
  ASSERT_TRUE(store) << store.error().what;
  ContentTracker tracker(1, &*store);
  const FileRef a = write("a", "old"), b = write("b", "unread");
  OpenEvent e;
  e.at.file = a;
  tracker.observe({1, 0, {::getpid(), 1}, ::getpid(), e});
  tracker.before_change(a, false);
  tracker.before_change(b, false);
  write("a", "new");
  tracker.before_change(ref("a"), false);
  std::vector<std::string> contents;
  for (const auto& saved : std::filesystem::directory_iterator(path("saved")))
    contents.emplace_back(std::istreambuf_iterator<char>(std::ifstream(saved.path()).rdbuf()),
                          std::istreambuf_iterator<char>());
  EXPECT_EQ(contents, std::vector<std::string>{"old"});
  // Named by its hash: sha256sum of "old".
  EXPECT_TRUE(std::filesystem::exists(
      path("saved/cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4")));
}
TEST(InputStore, SaysWhatIsWrongWithItsDirectory) {
  EXPECT_FALSE(InputStore::open("/proc/no-such-place"));
  EXPECT_FALSE(InputStore::open("/dev/null"));
}
TEST_F(Contents, OpeningForUpdateCountsAsReadingTheOldContent) {
  const FileRef a = write("a", "old");
  tracker_.before_change(a, true);
  open(a, O_RDWR);
  write("a", "new");
  EXPECT_EQ(finish(), (Found{{"input a", sha256("old")}, {"output a", sha256("new")}}));
}
TEST_F(Contents, WhatTheKernelMakesUpIsNoInput) {
  FileRef memory = ref("../../proc/self/mem");  // as a debugger opens its program's
  memory.path = "/proc/self/mem";
  open(memory, O_RDONLY);
  tracker_.before_change(memory, true);
  EXPECT_EQ(finish(), Found{});
}
TEST_F(Contents, WhatIsThrownAwayUnreadIsNoInput) {
  const FileRef a = write("a", "old");
  tracker_.before_change(a, false);
  write("a", "new");
  open(ref("a"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(finish(), (Found{{"output a", sha256("new")}}));
}
TEST_F(Contents, OwnOutputReadBackIsNoInput) {
  const FileRef a = write("a", "mine");
  open(a, O_WRONLY | O_CREAT, true);
  open(a, O_RDONLY);
  EXPECT_EQ(finish(), (Found{{"output a", sha256("mine")}}));
}
TEST_F(Contents, TemporaryThatIsGoneIsNothing) {
  open(write("a", "x"), O_RDWR | O_CREAT, true);
  ::unlink(path("a").c_str());
  EXPECT_EQ(finish(), Found{});
}
TEST_F(Contents, InputThatIsUnlinkedIsReadBeforeItGoes) {
  const FileRef a = write("a", "precious");
  open(a, O_RDONLY);
  tracker_.before_change(a, false);
  ::unlink(path("a").c_str());
  EXPECT_EQ(finish(), (Found{{"input a", sha256("precious")}}));
}
TEST_F(Contents, OutputIsFoundUnderItsFinalNameAlsoBelowARenamedDirectory) {
  std::filesystem::create_directory(path("d"));
  open(write("d/t", "text"), O_WRONLY | O_CREAT, true);
  const FileRef d = ref("d");
  rename("d", "e");
  observe_rename(d, "e");
  EXPECT_EQ(finish(), (Found{{"output e/t", sha256("text")}}));
}
TEST_F(Contents, InputIsFoundUnderItsNewName) {
  const FileRef a = write("a", "one");
  rename("a", "b");  // before any thread can come to it
  open(a, O_RDONLY);
  observe_rename(a, "b");
  EXPECT_EQ(finish(), (Found{{"input a", sha256("one")}, {"output b", sha256("one")}}));
}
TEST_F(Contents, InputIsFoundBelowARenamedDirectory) {
  std::filesystem::create_directory(path("d"));
  const FileRef a = write("d/a", "one"), d = ref("d");
  rename("d", "e");
  open(a, O_RDONLY);
  observe_rename(d, "e");
  EXPECT_EQ(finish(), (Found{{"input d/a", sha256("one")}}));
}
TEST_F(Contents, InputThatIsRenamedAndThenChangedHasTheOldContent) {
  const FileRef a = write("a", "old");
  rename("a", "b");
  open(a, O_RDONLY);
  observe_rename(a, "b");
  tracker_.before_change(ref("b"), false);
  write("b", "new");
  open(ref("b"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(finish(), (Found{{"input a", sha256("old")}, {"output b", sha256("new")}}));
}
TEST_F(Contents, ChangeByAnotherProgramIsSaid) {
  const FileRef a = write("a", "one");
  FileRef earlier = a;
  earlier.mtime_ns -= 5;
  open(earlier, O_RDONLY);
  EXPECT_EQ(finish(), (Found{{"gap changed by another program during the run", {}}}));
}
TEST_F(Contents, FileWithoutANameIsReadThroughTheProcessThatHasIt) {
  const FileRef a = write("a", "ghost");
  const int fd = ::open(a.path.c_str(), O_RDONLY);
  ::unlink(a.path.c_str());
  FdEvent e{FdOrigin::kInherited, fd, O_RDONLY, a};
  tracker_.observe({1, 0, {::getpid(), 1}, ::getpid(), e});
  ::close(fd);
  EXPECT_EQ(finish(), (Found{{"input a", sha256("ghost")}}));
}
TEST_F(Contents, ManyFilesAreAllHashedOnce) {
  for (int i = 0; i < 500; ++i) {
    const FileRef f = write(std::to_string(i), std::to_string(i));
    open(f, O_RDONLY);
    open(f, O_RDONLY);
  }
  const Found found = finish();
  EXPECT_EQ(found.size(), 500u);
  EXPECT_EQ(found.at("input 77"), sha256("77"));
}

}  // namespace
}  // namespace fptrace
