#pragma once
#include "common/event/event.h"

// What an event of each type takes from the streams and columns of a chunk, and in which order:
// said once for writing, reading and weighing. event.proto documents the same order.
//
// Io::Ref<T> is `const T` when writing, `T` when reading. Io has:
//   columns()          the Chunk
//   text, list, file, lookup(value)       the next reference of that stream
//   num(column, value)                    a number as it is
//   diff(column, value)                   a 64-bit number as the difference to the one before
//   choice(column, value, last)           an enum, whose greatest value is `last`
//   process(column, value)                a ProcessKey
//   count(column, list)                   the length of a list whose elements follow as references
//   labels(value)                         a set of labels, as a string of the text stream
//   late_text(column, rows, value)        a string that is mostly empty; `rows`: events of the type
//   tids(attach columns, list), sha256(content columns, value)

namespace fptrace::log_detail {

template <class Io>
using StatusRef = typename Io::template Ref<ExitStatus>;

template <class Io, class Columns>
void transfer_status(Io& io, Columns* c, StatusRef<Io>& s) {
  io.num(c->mutable_code(), s.code);
  io.num(c->mutable_signal(), s.signal);
}

template <class Io>
void transfer(Io& io, typename Io::template Ref<TraceStartEvent>& e) {
  io.text(e.backend);
  io.text(e.cwd);
  io.text(e.os);
  io.text(e.kernel);
  io.text(e.machine);
  io.list(e.argv);
  io.num(io.columns().mutable_trace_start()->mutable_wall_ns(), e.wall_ns);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TraceEndEvent>& e) {
  transfer_status(io, io.columns().mutable_trace_end(), e.status);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<AttachEvent>& e) {
  auto* c = io.columns().mutable_attach();
  io.process(c->mutable_parent(), e.parent);
  io.tids(c, e.tids);
}
template <class Io>
void transfer(Io&, typename Io::template Ref<DetachEvent>&) {}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ForkEvent>& e) {
  auto* c = io.columns().mutable_fork();
  io.process(c->mutable_child(), e.child);
  io.num(c->mutable_clone_flags(), e.clone_flags);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ThreadEvent>& e) {
  auto* c = io.columns().mutable_thread();
  io.num(c->mutable_tid(), e.tid);
  io.num(c->mutable_clone_flags(), e.clone_flags);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ThreadExitEvent>& e) {
  io.num(io.columns().mutable_thread_exit()->mutable_tid(), e.tid);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ExecEvent>& e) {
  auto* c = io.columns().mutable_exec();
  io.lookup(e.program);
  io.count(c->mutable_interpreters(), e.interpreters);
  for (auto& i : e.interpreters) io.lookup(i);
  io.lookup(e.loader);
  io.list(e.argv);
  io.list(e.env);
  io.text(e.cwd);
  io.num(c->mutable_error(), e.error);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ExitEvent>& e) {
  transfer_status(io, io.columns().mutable_exit(), e.status);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<OpenEvent>& e) {
  auto* c = io.columns().mutable_open();
  io.lookup(e.at);
  io.num(c->mutable_flags(), e.flags);
  io.num(c->mutable_mode(), e.mode);
  io.num(c->mutable_fd(), e.fd);
  io.num(c->mutable_error(), e.error);
  io.num(c->mutable_created(), e.created);
  io.late_text(c->mutable_opener(), c->flags_size(), e.opener);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<FdEvent>& e) {
  auto* c = io.columns().mutable_fd();
  io.choice(c->mutable_origin(), e.origin, FdOrigin::kReceived);
  io.num(c->mutable_fd(), e.fd);
  io.num(c->mutable_flags(), e.flags);
  io.file(e.file);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<MmapEvent>& e) {
  auto* c = io.columns().mutable_mmap();
  io.file(e.file);
  io.diff(c->mutable_addr(), e.addr);
  io.num(c->mutable_length(), e.length);
  io.num(c->mutable_offset(), e.offset);
  io.num(c->mutable_prot(), e.prot);
  io.num(c->mutable_flags(), e.flags);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ListEvent>& e) {
  io.file(e.directory);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<PathEvent>& e) {
  auto* c = io.columns().mutable_path();
  io.choice(c->mutable_op(), e.op, PathOp::kSetxattr);
  io.lookup(e.at);
  io.text(e.target);
  io.num(c->mutable_error(), e.error);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<RenameEvent>& e) {
  auto* c = io.columns().mutable_rename();
  io.choice(c->mutable_op(), e.op, RenameOp::kLink);
  io.lookup(e.from);
  io.lookup(e.to);
  io.num(c->mutable_error(), e.error);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<MountEvent>& e) {
  auto* c = io.columns().mutable_mount();
  io.choice(c->mutable_op(), e.op, MountOp::kNamespace);
  io.text(e.source);
  io.text(e.fstype);
  io.lookup(e.target);
  io.num(c->mutable_flags(), e.flags);
  io.num(c->mutable_error(), e.error);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<SocketEvent>& e) {
  auto* c = io.columns().mutable_socket();
  io.choice(c->mutable_op(), e.op, SocketOp::kSend);
  io.num(c->mutable_family(), e.family);
  io.text(e.address);
  io.text(e.peer_exe);
  io.lookup(e.at);
  io.num(c->mutable_peer_pid(), e.peer_pid);
  io.num(c->mutable_peer_traced(), e.peer_traced);
  io.num(c->mutable_error(), e.error);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<SignalEvent>& e) {
  auto* c = io.columns().mutable_signal();
  io.num(c->mutable_signo(), e.signo);
  io.num(c->mutable_sender(), e.sender);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<ContentEvent>& e) {
  auto* c = io.columns().mutable_content();
  io.choice(c->mutable_stage(), e.stage, ContentStage::kOutput);
  io.file(e.file);
  io.sha256(c, e.sha256);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<GapEvent>& e) {
  io.text(e.what);
  io.text(e.detail);
}

template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintSourceEvent>& e) {
  auto* c = io.columns().mutable_taint_source();
  io.choice(c->mutable_origin(), e.origin, TaintOrigin::kGuest);
  io.text(e.name);
  io.num(c->mutable_offset(), e.offset);
  io.num(c->mutable_length(), e.length);
  io.num(c->mutable_first_label(), e.first_label);
  io.num(c->mutable_step(), e.step);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintWriteEvent>& e) {
  auto* c = io.columns().mutable_taint_write();
  io.choice(c->mutable_sink(), e.sink, TaintSink::kOther);
  io.file(e.file);
  io.num(c->mutable_offset(), e.offset);
  io.num(c->mutable_length(), e.length);
  io.num(c->mutable_positional(), e.positional);
  io.labels(e.labels);
  io.num(c->mutable_depth(), e.depth);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintUseEvent>& e) {
  auto* c = io.columns().mutable_taint_use();
  io.choice(c->mutable_use(), e.use, TaintUse::kInstruction);
  io.num(c->mutable_address(), e.at.address);
  io.text(e.at.object);
  io.num(c->mutable_offset(), e.at.offset);
  io.text(e.at.symbol);
  io.text(e.at.source);
  io.num(c->mutable_line(), e.at.line);
  io.labels(e.labels);
  io.num(c->mutable_times(), e.times);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintHolderEvent>& e) {
  io.labels(e.labels);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintQueryEvent>& e) {
  auto* c = io.columns().mutable_taint_query();
  io.num(c->mutable_of_register(), e.of_register);
  io.num(c->mutable_number(), e.number);
  io.num(c->mutable_address(), e.address);
  io.num(c->mutable_length(), e.length);
  io.num(c->mutable_positional(), e.positional);
  io.labels(e.labels);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintUnmodelledEvent>& e) {
  auto* c = io.columns().mutable_taint_unmodelled();
  io.text(e.mnemonic);
  io.num(c->mutable_times(), e.times);
  io.num(c->mutable_tainted(), e.tainted);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintSummaryEvent>& e) {
  auto* c = io.columns().mutable_taint_summary();
  io.num(c->mutable_pointers(), e.pointers);
  io.num(c->mutable_depths(), e.depths);
  io.num(c->mutable_deepest(), e.deepest);
  io.num(c->mutable_instructions(), e.instructions);
  io.num(c->mutable_peak_labelled(), e.peak_labelled);
  io.num(c->mutable_peak_shadow(), e.peak_shadow);
  io.num(c->mutable_peak_sets(), e.peak_sets);
  io.num(c->mutable_unmodelled(), e.unmodelled);
  io.num(c->mutable_unmodelled_tainted(), e.unmodelled_tainted);
  io.num(c->mutable_merged(), e.merged);
}
template <class Io>
void transfer(Io& io, typename Io::template Ref<TaintNoteEvent>& e) {
  io.text(e.what);
  io.text(e.detail);
}

}  // namespace fptrace::log_detail
