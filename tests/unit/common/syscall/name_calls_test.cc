#include <linux/bpf.h>
#include <linux/fs.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

using NameCalls = DecoderFixture;
using Paths = std::vector<std::string>;

TEST_F(NameCalls, MakersTellTheNewFile) {
  fs_.dir("/d");
  task_.open(3, fs_.ref("/d"));
  const auto mkdir = enter("mkdirat", {3, str("new/"), 0755});
  fs_.dir("/d/new");
  const auto e = one<PathEvent>(leave(mkdir, 0));
  EXPECT_EQ(e.op, PathOp::kMkdir);
  EXPECT_EQ(e.at.file, fs_.ref("/d/new"));
  EXPECT_EQ(e.at.base, "/d");
  const auto mknod = enter("mknod", {str("/d/fifo"), S_IFIFO});
  fs_.special("/d/fifo", S_IFIFO);
  EXPECT_EQ(one<PathEvent>(leave(mknod, 0)).at.file, fs_.ref("/d/fifo"));
}

TEST_F(NameCalls, FailedMakersTellWhatIsThere) {
  fs_.symlink("/l", "nowhere");
  const auto e = one<PathEvent>(run("mkdir", {str("/l"), 0755}, -EEXIST));
  EXPECT_EQ(e.error, EEXIST);
  EXPECT_EQ(e.at.file.path, "/l");
}

TEST_F(NameCalls, SymlinkTellsItsContent) {
  fs_.dir("/d");
  const auto call = enter("symlink", {str("../x"), str("/d/l")});
  fs_.symlink("/d/l", "../x");
  const auto e = one<PathEvent>(leave(call, 0));
  EXPECT_EQ(e.op, PathOp::kSymlink);
  EXPECT_EQ(e.target, "../x");
  EXPECT_EQ(e.at.file, fs_.ref("/d/l"));
  task_.open(3, fs_.ref("/d"));
  EXPECT_EQ(one<PathEvent>(run("symlinkat", {str("t"), 3, str("m")}, -EACCES)).at.file.path,
            "/d/m");
}

TEST_F(NameCalls, UnlinkTakesTheNameNotTheTarget) {
  fs_.file("/f");
  fs_.symlink("/l", "f");
  const auto e = one<PathEvent>(run("unlink", {str("/l")}, 0));
  EXPECT_EQ(e.op, PathOp::kUnlink);
  EXPECT_EQ(e.at.file.path, "/l");
  EXPECT_TRUE(changes("unlink", {str("/l")}).empty());
  EXPECT_EQ(changes("unlink", {str("/f")}), Paths{"/f"});
}

TEST_F(NameCalls, UnlinkatRemovesDirectoriesToo) {
  fs_.dir("/d");
  EXPECT_EQ(one<PathEvent>(run("unlinkat", {kCwd, str("/d"), AT_REMOVEDIR}, 0)).op, PathOp::kRmdir);
  EXPECT_EQ(one<PathEvent>(run("unlinkat", {kCwd, str("/d"), 0}, -EISDIR)).op, PathOp::kUnlink);
  EXPECT_EQ(one<PathEvent>(run("rmdir", {str("/d")}, 0)).op, PathOp::kRmdir);
}

TEST_F(NameCalls, RenameTellsBothSides) {
  const FileRef from = fs_.file("/d/a");
  const FileRef to = fs_.file("/d/b");
  for (const char* name : {"rename", "renameat", "renameat2"}) {
    const std::string_view call = name;
    const auto e = one<RenameEvent>(call == "rename"
                                        ? run(call, {str("/d/a"), str("/d/b")}, 0)
                                        : run(call, {kCwd, str("/d/a"), kCwd, str("/d/b"), 0}, 0));
    EXPECT_EQ(e.op, RenameOp::kRename);
    EXPECT_EQ(e.from.file, from);
    EXPECT_EQ(e.to.file, to);
  }
  EXPECT_EQ(changes("rename", {str("/d/a"), str("/d/b")}), Paths{"/d/b"});
}

TEST_F(NameCalls, RenameToANewNameChangesNothing) {
  fs_.file("/d/a");
  const auto e = one<RenameEvent>(run("rename", {str("/d/a"), str("/d/new")}, 0));
  EXPECT_EQ(e.to.file.path, "/d/new");
  EXPECT_FALSE(e.to.file.exists());
  EXPECT_TRUE(changes("rename", {str("/d/a"), str("/d/new")}).empty());
}

TEST_F(NameCalls, RenameOntoItselfChangesNothing) {
  fs_.file("/a");
  fs_.hard_link("/a", "/b");
  EXPECT_TRUE(changes("rename", {str("/a"), str("/b")}).empty());
}

TEST_F(NameCalls, ExchangeKeepsBoth) {
  fs_.file("/a");
  fs_.file("/b");
  const std::array<uint64_t, 6> args = {kCwd, str("/a"), kCwd, str("/b"), RENAME_EXCHANGE};
  EXPECT_EQ(one<RenameEvent>(run("renameat2", args, 0)).op, RenameOp::kExchange);
  EXPECT_TRUE(changes("renameat2", args).empty());
}

TEST_F(NameCalls, RenameWorksOnLinksThemselves) {
  fs_.file("/f");
  fs_.symlink("/l", "f");
  EXPECT_EQ(one<RenameEvent>(run("rename", {str("/l"), str("/m")}, 0)).from.file.path, "/l");
}

TEST_F(NameCalls, LinkGivesAnotherName) {
  fs_.file("/f");
  fs_.symlink("/l", "f");
  const auto e = one<RenameEvent>(run("link", {str("/f"), str("/g")}, 0));
  EXPECT_EQ(e.op, RenameOp::kLink);
  EXPECT_EQ(e.from.file.path, "/f");
  EXPECT_EQ(e.to.file.path, "/g");
  const auto linkat = [&](uint64_t flags) {
    return one<RenameEvent>(run("linkat", {kCwd, str("/l"), kCwd, str("/h"), flags}, 0))
        .from.file.path;
  };
  EXPECT_EQ(linkat(0), "/l");
  EXPECT_EQ(linkat(AT_SYMLINK_FOLLOW), "/f");
}

TEST_F(NameCalls, LinkOfADescriptorGivesAnUnnamedFileItsName) {
  FileRef unnamed = fs_.file("/tmp/#1");
  unnamed.nlink = 0;
  fs_.remove("/tmp/#1");
  task_.open(5, unnamed);
  const auto e =
      one<RenameEvent>(run("linkat", {5, str(""), kCwd, str("/tmp/named"), AT_EMPTY_PATH}, 0));
  EXPECT_EQ(e.from.file, unnamed);
  EXPECT_EQ(e.to.file.path, "/tmp/named");
}

TEST_F(NameCalls, ARenamedDirectoryIsNotRememberedUnderItsOldName) {
  fs_.file("/a/b/f");
  const auto where = [&] {
    return one<PathEvent>(run("stat", {str("/a/b/f"), 0x1000}, 0)).at.file.path;
  };
  EXPECT_EQ(where(), "/a/b/f");
  const auto call = enter("rename", {str("/a/b"), str("/a/c")});
  fs_.rename("/a/b", "/a/c");
  leave(call, 0);
  fs_.symlink("/a/b", "c");
  EXPECT_EQ(where(), "/a/c/f");
}

TEST_F(NameCalls, UnreadableNames) {
  EXPECT_EQ(one<RenameEvent>(run("rename", {kNowhere, str("/b")}, -EFAULT)).error, EFAULT);
  EXPECT_EQ(one<GapEvent>(run("rename", {kNowhere, str("/b")}, 0)).what, "unreadable path");
  EXPECT_EQ(one<GapEvent>(run("symlink", {kNowhere, str("/b")}, 0)).what, "unreadable path");
  EXPECT_EQ(one<GapEvent>(run("unlink", {kNowhere}, 0)).what, "unreadable path");
}

TEST_F(NameCalls, BpfPinsAreNames) {
  fs_.dir("/sys/fs/bpf");
  struct {
    uint64_t pathname;
    uint32_t fd = 3, flags = 0;
    int32_t path_fd = 0;
  } attr;
  attr.pathname = str("/sys/fs/bpf/map");
  const uint64_t addr = task_.put_value(attr);
  const auto pin = enter("bpf", {BPF_OBJ_PIN, addr, sizeof attr});
  fs_.file("/sys/fs/bpf/map");
  EXPECT_EQ(one<PathEvent>(leave(pin, 0)).at.file, fs_.ref("/sys/fs/bpf/map"));
  const auto e = one<OpenEvent>(run("bpf", {BPF_OBJ_GET, addr, 12}, 5));
  EXPECT_EQ(e.at.file.path, "/sys/fs/bpf/map");
  EXPECT_EQ(e.fd, 5);
  EXPECT_EQ(one<PathEvent>(run("bpf", {BPF_OBJ_PIN, kNowhere, 16}, -EFAULT)).error, EFAULT);
}

}  // namespace
}  // namespace fptrace
