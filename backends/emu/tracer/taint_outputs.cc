#include "backends/emu/tracer/taint_outputs.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

#include "backends/emu/osi/open_files.h"
#include "common/syscall/arguments.h"

namespace fptrace::emu {
namespace {

bool is_written_to(uint32_t flags) { return (flags & O_ACCMODE) != O_RDONLY; }

TaintWriteEvent event_of(TaintSink sink, const FileRef& file, uint64_t base,
                         const LabelledSpan& span) {
  return {sink, file, base + span.offset, span.length, span.positional, span.labels, span.depth};
}

}  // namespace

void TaintOutputs::choose_calls(Channel& channel) {
  for (const auto calls : {moving_calls(), closing_calls()})
    for (const std::string_view name : calls) {
      const SyscallRow* const row = find_syscall(name);
      for (uint32_t abi = 0; row && abi < 3; ++abi)
        if (row->nr[abi] >= 0) channel.set_interesting(abi, uint32_t(row->nr[abi]));
    }
}

// What goes to /dev/null goes nowhere.
std::optional<TaintSink> TaintOutputs::sink_of(const FileRef& file) const {
  if (S_ISFIFO(file.mode)) return TaintSink::kPipe;
  if (S_ISSOCK(file.mode)) return TaintSink::kSocket;
  if (!S_ISCHR(file.mode)) return std::nullopt;
  if (file.path == "/dev/null" || file.path == "/dev/zero") return std::nullopt;
  const bool terminal = file.path.starts_with("/dev/tty") || file.path.starts_with("/dev/pts/") ||
                        file.path == "/dev/console";
  return terminal ? TaintSink::kTerminal : TaintSink::kOther;
}

Result<void> TaintOutputs::on_call(const Sight& sight, GuestThread& thread) {
  pending_.erase(thread.task);
  const CpuState& cpu = sight.stop().cpu;
  const SyscallCall call = call_of(cpu, EntryKind(sight.stop().detail), thread.view);
  const SyscallRow* const row = find_syscall(call.abi, call.nr);
  if (!row) return {};
  thread.observed = 0;
  if (std::ranges::find(closing_calls(), row->name) != closing_calls().end())
    return on_close(sight, thread, row->name, call);
  auto moved = moved_bytes(thread.view, call);
  if (!moved) return {};
  auto file = thread.view.descriptor_file(moved->fd);
  if (!file) return {};
  const auto sink = sink_of(*file);
  const bool wanted = moved->how != Moves::kIn || (network_ && S_ISSOCK(file->mode));
  if (!sink || !wanted) return {};
  Pending pending{*std::move(moved), *sink, *std::move(file), 0, cpu.rip};
  if (pending.moved.how == Moves::kFileOut) {
    const GuestKernel& kernel = sight.guest.kernel();
    const uint64_t from = OpenFiles(sight.guest.names(), thread.task).file(pending.moved.from);
    pending.from_inode = kernel.pointer(from, kernel.layout().file.inode);
    if (!pending.moved.offset)
      pending.moved.offset = kernel.number(from, kernel.layout().file.position);
    const FileRef source = sight.guest.names().properties(pending.from_inode);
    if (!S_ISREG(source.mode)) {
      ++unseen_;  // from one pipe to another: no memory of the program has the bytes
      return {};
    }
  }
  pending_[thread.task] = std::move(pending);
  thread.observed = kAwaitReturn;
  return {};
}

Result<std::optional<TaintOutputs::Received>> TaintOutputs::on_return(const Sight& sight,
                                                                      GuestThread& thread) {
  const auto it = pending_.find(thread.task);
  if (it == pending_.end()) return std::nullopt;
  const CpuState& cpu = sight.stop().cpu;
  if (cpu.rip == it->second.call_site) return std::nullopt;  // it will be executed again
  const Pending call = std::move(it->second);
  pending_.erase(it);
  thread.observed = 0;
  const auto result = int64_t(cpu.gpr[kRax]);
  constexpr int64_t kMost = 0x7fffffff;
  if (result <= 0 || result > kMost) return std::nullopt;
  if (call.moved.how == Moves::kIn) {
    const Received received{call.moved.bytes, received_, uint64_t(result)};
    received_ += uint64_t(result);
    return received;
  }
  if (auto ok = tell(sight, thread, call, uint64_t(result)); !ok) return fail(ok.error());
  return std::nullopt;
}

Result<void> TaintOutputs::tell(const Sight& sight, GuestThread& thread, const Pending& call,
                                uint64_t size) {
  uint64_t& position = written_[{call.file.dev, call.file.ino}];
  const uint64_t base = position;
  position += size;
  Result<std::vector<LabelledSpan>> spans = std::vector<LabelledSpan>();
  if (call.moved.how == Moves::kFileOut) {
    const uint64_t from = call.moved.offset.value_or(0);
    spans = spans_of_file(sight, call.from_inode, from, from + size - 1);
    if (spans)
      for (LabelledSpan& span : *spans) span.offset -= from;
  } else {
    std::vector<UserBytes> bytes = call.moved.bytes;
    for (UserBytes& one : bytes) {
      one.size = std::min(one.size, size);
      size -= one.size;
    }
    const AddressSpace space(sight.guest.names(), sight.guest.mm(thread.task));
    const auto ids = engine_.query(pieces_of(space, bytes));
    if (!ids) return fail(ids.error());
    spans = engine_.spans(*ids);
  }
  if (!spans) return fail(spans.error());
  for (const LabelledSpan& span : *spans)
    sight.emit(&thread, event_of(call.sink, call.file, base, span));
  return {};
}

Result<void> TaintOutputs::on_close(const Sight& sight, GuestThread& thread, std::string_view call,
                                    const SyscallCall& args) {
  const Arguments a(args);
  if (call == "close") return report_descriptor(sight, thread, a.i32(0));
  if (call == "dup2" || call == "dup3") return report_descriptor(sight, thread, a.i32(1));
  if (call == "munmap") return report_mapped_files(sight, thread);
  return report_open_files(sight, thread);  // some of them are about to be closed
}

Result<void> TaintOutputs::on_end(const Sight& sight, GuestThread& thread) {
  pending_.erase(thread.task);
  if (auto ok = report_open_files(sight, thread); !ok) return ok;
  return report_mapped_files(sight, thread);
}

Result<void> TaintOutputs::report_open_files(const Sight& sight, GuestThread& thread) {
  for (const int fd : OpenFiles(sight.guest.names(), thread.task).numbers())
    if (auto ok = report_descriptor(sight, thread, fd); !ok) return ok;
  return {};
}

Result<void> TaintOutputs::report_mapped_files(const Sight& sight, GuestThread& thread) {
  const AddressSpace space(sight.guest.names(), sight.guest.mm(thread.task));
  const GuestKernel& kernel = sight.guest.kernel();
  for (const GuestMapping& m : space.mappings()) {
    if (m.file == 0 || !m.shared || !m.writable) continue;
    const uint64_t inode = kernel.pointer(m.file, kernel.layout().file.inode);
    const auto file = sight.guest.names().file(sight.guest.names().place_of_file(m.file));
    if (!file || !S_ISREG(file->mode)) continue;
    if (auto ok = report_file(sight, thread, inode, *file); !ok) return ok;
  }
  return {};
}

Result<void> TaintOutputs::report_descriptor(const Sight& sight, GuestThread& thread, int fd) {
  const OpenFiles files(sight.guest.names(), thread.task);
  const uint64_t file = files.file(fd);
  if (file == 0 || !is_written_to(files.flags(fd))) return {};
  const GuestKernel& kernel = sight.guest.kernel();
  const uint64_t inode = kernel.pointer(file, kernel.layout().file.inode);
  const auto mode = uint32_t(kernel.number(inode, kernel.layout().inode.mode).value_or(0));
  if (!S_ISREG(mode)) return {};
  const auto reference = files.reference(fd);
  return reference ? report_file(sight, thread, inode, *reference) : Result<void>();
}

// A file that has what it had when it was last told of is not told of again.
Result<void> TaintOutputs::report_file(const Sight& sight, GuestThread& thread, uint64_t inode,
                                       const FileRef& file) {
  auto spans = spans_of_file(sight, inode, 0, UINT64_MAX);
  if (!spans) return fail(spans.error());
  const Identity identity{file.dev, file.ino};
  const auto before = reported_.find(identity);
  if (before == reported_.end() ? spans->empty() : before->second == *spans) return {};
  if (spans->empty())
    sight.emit(&thread, TaintWriteEvent{TaintSink::kFile, file, 0, 0, false, {}, 0});
  for (const LabelledSpan& span : *spans)
    sight.emit(&thread, event_of(TaintSink::kFile, file, 0, span));
  reported_[identity] = *std::move(spans);
  return {};
}

Result<std::vector<LabelledSpan>> TaintOutputs::spans_of_file(const Sight& sight, uint64_t inode,
                                                              uint64_t from, uint64_t to) {
  const auto pieces = pieces_of_file(sight.guest.kernel(), inode, from, to);
  std::vector<LabelledSpan> out;
  constexpr size_t kAtOnce = 64;  // pages: what one request has room for
  for (size_t i = 0; i < pieces.size(); i += kAtOnce) {
    const auto part = std::span(pieces).subspan(i, std::min(kAtOnce, pieces.size() - i));
    std::vector<TaintEngine::Piece> asked;
    for (const FilePiece& p : part) asked.push_back({p.paddr, p.size});
    const auto ids = engine_.query(asked);
    if (!ids) return fail(ids.error());
    size_t at = 0;
    for (const FilePiece& p : part) {
      auto spans = engine_.spans(std::span(*ids).subspan(at, p.size));
      if (!spans) return fail(spans.error());
      for (LabelledSpan& span : *spans) {
        span.offset += p.offset;
        append_span(out, std::move(span));
      }
      at += p.size;
    }
  }
  return out;
}

}  // namespace fptrace::emu
