#pragma once
#include <fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace fptrace::testing {

// A string with everything that a path may hold and text may not: no UTF-8, blanks, line ends.
inline const std::string kRudePath = std::string("/tmp/a b\n\\\"\xff\xc3(deleted)");

inline FileRef sample_file(const std::string& path, uint64_t ino) {
  return {path,
          "",
          0xfd01,
          ino,
          29,
          0100644,
          1,
          4096 + ino,
          1'700'000'000'123'456'789,
          1'700'000'001'000'000'000};
}
inline Lookup sample_lookup(const std::string& path, uint64_t ino) {
  return {path, "", {}, sample_file(path, ino)};
}

// Every event type, with every enum value that has one, ordinary and extreme fields. As one trace:
// seqs from 1 without gaps, TraceStart first, TraceEnd last.
inline std::vector<Event> sample_events() {
  const ProcessKey init{100, 1}, child{101, 2}, reused{100, 3};
  const FileRef nothing{"/etc/ld.so.preload", "", 0, 0, 0, 0, 0, 0, 0, 0};
  const FileRef extreme{kRudePath,  "/lower" + kRudePath, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                        UINT32_MAX, UINT32_MAX,           UINT64_MAX, INT64_MIN,  INT64_MAX};
  const Lookup relative{"../lib/libz.so",
                        "/usr/bin",
                        {"/usr/lib/libz.so", "/lib"},
                        sample_file("/usr/lib/libz.so.1.2", 77)};
  std::vector<Event> out;
  const auto add = [&](ProcessKey p, int32_t tid, EventBody body) {
    out.push_back({out.size() + 1, 1000 * out.size(), p, tid, std::move(body)});
  };
  add({}, 0,
      TraceStartEvent{"ptrace",
                      {"./a", "", kRudePath},
                      "/w",
                      "Debian GNU/Linux 12",
                      "6.1.0",
                      "x86_64",
                      1'700'000'000'000'000'000});
  add(init, 100, AttachEvent{{1, 0}, {100, 105, 106}});
  add(init, 100, AttachEvent{child, {}});
  add(init, 100,
      ExecEvent{sample_lookup("/w/a", 5),
                {sample_lookup("/bin/sh", 6), relative},
                sample_lookup("/lib64/ld-linux-x86-64.so.2", 7),
                {"a", "", "-x"},
                {"PATH=/usr/bin", "LANG=C", "BAD=\xff"},
                "/w",
                0});
  add(init, 105, ExecEvent{{"nope", "/w", {}, nothing}, {}, {}, {}, {}, "", ENOENT});
  add(init, 100, ForkEvent{child, 0x4111});
  add(init, 100, ThreadEvent{107, UINT64_MAX});
  add(init, 107, ThreadExitEvent{107});
  add(child, 101, OpenEvent{relative, O_RDONLY | O_CLOEXEC, 0, 3, 0, false});
  add(child, 101,
      OpenEvent{{"/etc/ld.so.preload", "", {}, nothing},
                O_RDONLY,
                0,
                -1,
                ENOENT,
                false,
                "/usr/lib/ld.so"});
  add(child, 101,
      OpenEvent{sample_lookup("/w/out", 9), O_WRONLY | O_CREAT | O_TRUNC, 0644, 4, 0, true});
  add(child, 101,
      OpenEvent{{kRudePath, kRudePath, {kRudePath, ""}, extreme},
                UINT32_MAX,
                UINT32_MAX,
                INT32_MIN,
                INT32_MAX,
                true,
                kRudePath});
  add(child, 101, FdEvent{FdOrigin::kInherited, 0, 0, sample_file("pipe:[123]", 123)});
  add(child, 101, FdEvent{FdOrigin::kReceived, 9, O_RDWR, sample_file("/w/in", 10)});
  add(child, 101,
      MmapEvent{sample_file("/usr/lib/libz.so.1.2", 77), 0x7f0000000000, 8192, 4096, 5, 2});
  add(child, 101, MmapEvent{extreme, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX});
  add(child, 101, MmapEvent{});
  add(child, 101, ListEvent{sample_file("/w", 4)});
  for (int op = 0; op <= int(PathOp::kSetxattr); ++op) {
    add(child, 101,
        PathEvent{PathOp(op), relative, op == int(PathOp::kReadlink) ? "libz.so.1" : "",
                  op % 3 == 0 ? ENOENT : 0});
  }
  for (const RenameOp op : {RenameOp::kRename, RenameOp::kExchange, RenameOp::kLink}) {
    add(child, 101,
        RenameEvent{op, sample_lookup("/w/a.tmp", 11), {"b", "/w", {}, nothing}, EXDEV});
  }
  for (int op = 0; op <= int(MountOp::kNamespace); ++op) {
    add(child, 101,
        MountEvent{MountOp(op), "tmpfs", sample_lookup("/mnt", 12), "tmpfs", 1u << 12, EPERM});
  }
  for (const SocketOp op : {SocketOp::kConnect, SocketOp::kBind, SocketOp::kSend}) {
    add(child, 101,
        SocketEvent{op, 1, "/run/d.sock", sample_lookup("/run/d.sock", 13), 900, "/usr/sbin/d",
                    op == SocketOp::kBind, 0});
  }
  add(child, 101, SocketEvent{SocketOp::kConnect, 10, "[::1]:80", {}, 0, "", false, ECONNREFUSED});
  add(child, 101, SignalEvent{17, 0});
  add(child, 101, SignalEvent{-1, 100});
  add(child, 101, ExitEvent{{7, 0}});
  add(reused, 100, DetachEvent{});
  add(init, 100, ExitEvent{{0, 9}});
  Sha256 sum{};
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = uint8_t(i * 9);
  add({}, 0, ContentEvent{ContentStage::kInput, sample_file("/w/in", 10), sum});
  add({}, 0, ContentEvent{ContentStage::kOutput, sample_file("/w/out", 9), {}});
  add(child, 101, GapEvent{"io_uring_enter", kRudePath});
  add(child, 101, GapEvent{});
  for (int origin = 0; origin <= int(TaintOrigin::kGuest); ++origin)
    add({}, 0, TaintSourceEvent{TaintOrigin(origin), "/w/in", 4096, 10, 100, 1});
  add({}, 0, TaintSourceEvent{TaintOrigin::kString, kRudePath, 0, UINT64_MAX, UINT32_MAX, 0});
  const TaintLabels some{{{0, 15}, {20, 20}, {UINT32_MAX, UINT32_MAX}}, false};
  for (int sink = 0; sink <= int(TaintSink::kOther); ++sink)
    add(child, 101,
        TaintWriteEvent{TaintSink(sink), sample_file("/w/out", 9), 40, 16, false, some, 3});
  add({}, 0, TaintWriteEvent{TaintSink::kFile, extreme, 0, 16, true, {{{0, 15}}, false}, 0});
  add({}, 0, TaintWriteEvent{});
  for (const TaintUse use : {TaintUse::kBranch, TaintUse::kJump, TaintUse::kInstruction})
    add(child, 101,
        TaintUseEvent{
            use, {0x401136, "/w/a", 0x1136, "main+0x16", "a.c", 7}, {{{0, UINT32_MAX}}, true}, 5});
  add(child, 101, TaintUseEvent{});
  add(child, 101, TaintHolderEvent{some});
  add(child, 101, TaintQueryEvent{false, 0, 0x7ffc00, 4, true, {{{7, 10}}, false}});
  add(child, 101, TaintQueryEvent{true, 3, 0, 8, false, {}});
  add({}, 0, TaintUnmodelledEvent{"vaddps", 12, 1});
  add({}, 0, TaintSummaryEvent{true, true, 9, 1000, 4096, 20480, 100, 12, 1, true});
  add({}, 0, TaintSummaryEvent{});
  add({}, 0, TaintNoteEvent{"never opened", "/w/in2: no process opened it"});
  add({}, 0, TaintNoteEvent{});
  add({}, 0, TraceEndEvent{{3, 0}});
  return out;
}

}  // namespace fptrace::testing
