#include "backends/emu/tracer/taint_observer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "backends/emu/channel/find_wire.h"
#include "backends/emu/guest/marker.h"
#include "backends/emu/tracer/kernel_hooks.h"
#include "common/path/resolver.h"

namespace fptrace::emu {
namespace {

// A stream's length is not known before it ends.
constexpr uint64_t kStreamLabels = uint64_t{1} << 28;
constexpr pid_t kInit = 1;
constexpr uint64_t kMostBytes = 1 << 18;  // that one question of a program may be about

TaintOptions options_of(const TaintSettings& settings) {
  TaintOptions options = kDefaultTaintOptions;
  options.pointers = settings.pointers ? 1 : 0;
  options.max_depth = settings.depths ? kMostTaintDepth : 0;
  if (settings.max_labels != 0) options.max_runs = settings.max_labels;
  if (settings.instructions) options.watch |= kWatchInstructions;
  return options;
}

TaintUse use_of(uint32_t kind) {
  switch (TaintFindingKind(kind)) {
    case TaintFindingKind::kBranch:
      return TaintUse::kBranch;
    case TaintFindingKind::kJump:
      return TaintUse::kJump;
    case TaintFindingKind::kInstruction:
    case TaintFindingKind::kHolder:
      break;
  }
  return TaintUse::kInstruction;
}

}  // namespace

void TaintObserver::prepare(Channel& channel) {
  channel.want_taint(true);
  if (settings_.string.empty()) return;
  channel.want_find(kFindUserCode | kFindKernelCode);
  channel.want_moment();
}

Result<void> TaintObserver::kernel_found(Channel& channel, const GuestKernel& kernel) {
  parts_.emplace(channel, settings_.network);
  if (auto ok = FileLabels::set_up(channel, kernel); !ok) return ok;
  TaintOutputs::choose_calls(channel);
  return parts_->engine.start(options_of(settings_));
}

// 0 when there are none left: 2^31 are enough for 2 GiB of sources.
uint32_t TaintObserver::take_labels(uint64_t count) {
  if (count > kMostTaintLabels || next_label_ + count > kMostTaintLabels) return 0;
  const auto first = uint32_t(next_label_);
  next_label_ += count;
  return first;
}

Result<Observer::Next> TaintObserver::program_begins(const Sight& sight) {
  GuestThread* const program = sight.threads.find(sight.stop().task);
  if (!program) return fail(Errc::kBackend, "the program's first task is not known");
  for (const auto& file : settings_.files)
    if (auto ok = add_file(sight, *program, file); !ok) return fail(ok.error());
  if (!settings_.string.empty())
    if (auto ok = look_for_string(sight); !ok) return fail(ok.error());
  const uint64_t per_stream = settings_.one_label ? 1 : kStreamLabels;
  if (settings_.standard_input) stdin_labels_ = take_labels(per_stream);
  if (settings_.network) network_labels_ = take_labels(per_stream);
  if (settings_.standard_input)
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kStdin, "", 0, 0, stdin_labels_, 1});
  if (settings_.network)
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kNetwork, "", 0, 0, network_labels_, 1});
  return Next::kGoOn;
}

// As the program itself would look it up.
Result<void> TaintObserver::add_file(const Sight& sight, GuestThread& program,
                                     const TaintSettings::File& file) {
  const Resolution found = PathResolver().resolve(program.view, {AT_FDCWD, file.path});
  const FileRef& is = found.lookup.file;
  const std::string name = is.path.empty() ? file.path : is.path;
  if (found.error != 0 || !is.exists()) {
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kFile, name, 0, 0, 0, 1});
    note(sight, "no such file", name + ": the guest does not have it when the program begins");
    return {};
  }
  if (!S_ISREG(is.mode))
    return fail(Errc::kUnsupported, name + ": labels are for the bytes of regular files");
  const uint64_t to = std::min(file.to, is.size == 0 ? 0 : is.size - 1);
  if (file.from >= is.size || (file.to != UINT64_MAX && file.to >= is.size))
    note(sight, "range past the end",
         name + ": it has " + std::to_string(is.size) + " bytes, and labels were asked for up to " +
             std::to_string(file.to == UINT64_MAX ? file.from : file.to));
  if (file.from >= is.size) {
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kFile, name, 0, 0, 0, 1});
    return {};
  }
  const uint64_t count = settings_.one_label ? 1 : to - file.from + 1;
  if (next_label_ + count > kMostTaintLabels)
    return fail(Errc::kUnsupported, name +
                                        ": more bytes than there are labels (2^31); name a "
                                        "range, PATH:FROM-TO, or use --one-label");
  GuestFileSystem& fs = sight.guest.view().file_system_of(program.task);
  const auto place = fs.find(is.path);
  if (!place) return fail(place.error());
  const GuestKernel& kernel = sight.guest.kernel();
  FileLabels::Source source{name,
                            kernel.pointer(place->dentry, kernel.layout().dentry.inode),
                            file.from,
                            to,
                            take_labels(count),
                            settings_.one_label ? 0u : 1u};
  std::vector<TaintSourceEvent> events;
  // Also where nothing is in memory yet: the report names every source.
  sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kFile, name, file.from, 0, source.first_label,
                                       source.step});
  if (auto ok = parts_->files.add(sight, std::move(source), events); !ok) return ok;
  for (auto& event : events) sight.emit(nullptr, std::move(event));
  return {};
}

Result<Observer::Next> TaintObserver::stopped(const Sight& sight) {
  on_reports(sight);
  if (auto ok = act(sight); !ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<void> TaintObserver::act(const Sight& sight) {
  const StopRecord& stop = sight.stop();
  if (stop.kind == StopKind::kPage) {
    std::vector<TaintSourceEvent> events;
    if (auto ok = parts_->files.on_page(sight, events); !ok) return ok;
    for (auto& event : events) sight.emit(nullptr, std::move(event));
    return {};
  }
  if (stop.kind == StopKind::kMarker) return on_marker(sight);
  if (stop.kind == StopKind::kFound) return on_found(sight);
  if (stop.kind == StopKind::kMoment) return on_moment(sight);
  GuestThread* const thread = sight.threads.find(stop.task);
  if (!thread) return {};
  if (stop.kind == StopKind::kSyscall) return parts_->outputs.on_call(sight, *thread);
  if (stop.kind == StopKind::kHook && Hook(stop.detail) == Hook::kTaskEnd)
    return on_task_end(sight, *thread);
  if (stop.kind != StopKind::kReturn) return {};
  if (!program_runs_ && thread->is_exec && sight.guest.mm(thread->task) != thread->mm)
    return on_program(sight, *thread);
  const auto received = parts_->outputs.on_return(sight, *thread);
  if (!received) return fail(received.error());
  if (!*received) return {};
  const AddressSpace space(sight.guest.names(), sight.guest.mm(thread->task));
  return label_stream(sight, TaintOrigin::kNetwork, space, (*received)->bytes, (*received)->before,
                      (*received)->size);
}

// The first successful execve: its strings are on the new stack.
Result<void> TaintObserver::on_program(const Sight& sight, GuestThread& thread) {
  program_runs_ = true;
  const GuestKernel& kernel = sight.guest.kernel();
  const auto& m = kernel.layout().mm;
  const uint64_t mm = sight.guest.mm(thread.task);
  const AddressSpace space(sight.guest.names(), mm);
  uint64_t at = kernel.pointer(mm, m.arg_start);
  const auto arguments = space.arguments();
  for (const uint32_t n : settings_.arguments) {
    if (n < arguments.size()) continue;
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kArgument, std::to_string(n), 0, 0, 0, 1});
    note(sight, "no such argument",
         "argument " + std::to_string(n) + ": the program has " +
             std::to_string(arguments.size() - 1) + " besides its name");
  }
  for (size_t i = 0; i < arguments.size(); at += arguments[i++].size() + 1)
    if (std::ranges::find(settings_.arguments, i) != settings_.arguments.end())
      if (auto ok = label_string(sight, space, TaintOrigin::kArgument, std::to_string(i), at,
                                 arguments[i].size());
          !ok)
        return ok;
  at = kernel.pointer(mm, m.env_start);
  std::set<std::string> missing(settings_.environment.begin(), settings_.environment.end());
  for (const std::string& variable : space.environment()) {
    const size_t name_end = variable.find('=');
    const std::string name = variable.substr(0, name_end);
    if (name_end != variable.npos && missing.erase(name) != 0)
      if (auto ok = label_string(sight, space, TaintOrigin::kEnvironment, name, at + name_end + 1,
                                 variable.size() - name_end - 1);
          !ok)
        return ok;
    at += variable.size() + 1;
  }
  for (const std::string& name : missing) {
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kEnvironment, name, 0, 0, 0, 1});
    note(sight, "no such variable", "$" + name + ": the program's environment does not have it");
  }
  return {};
}

Result<void> TaintObserver::label_string(const Sight& sight, const AddressSpace& space,
                                         TaintOrigin origin, const std::string& name,
                                         uint64_t vaddr, uint64_t size) {
  const uint32_t step = settings_.one_label ? 0 : 1;
  const uint32_t first = take_labels(settings_.one_label ? 1 : size);
  sight.emit(nullptr, TaintSourceEvent{origin, name, 0, size, first, step});
  return parts_->engine.label(pieces_of(space, {{vaddr, size}}, {first, step}));
}

// What came by the network may have labels already, if it never left the machine: they stay.
Result<void> TaintObserver::label_stream(const Sight& sight, TaintOrigin origin,
                                         const AddressSpace& space,
                                         const std::vector<UserBytes>& bytes, uint64_t offset,
                                         uint64_t size) {
  const bool one = settings_.one_label;
  const uint32_t base = origin == TaintOrigin::kStdin ? stdin_labels_ : network_labels_;
  if (!one && offset + size > kStreamLabels) return {};
  const uint32_t first = one ? base : base + uint32_t(offset);
  std::vector<UserBytes> taken = bytes;
  for (uint64_t left = size; UserBytes & one_piece : taken) {
    one_piece.size = std::min(one_piece.size, left);
    left -= one_piece.size;
  }
  sight.emit(nullptr, TaintSourceEvent{origin, "", offset, size, first, one ? 0u : 1u});
  const TaintHow how = origin == TaintOrigin::kStdin ? TaintHow::kReplace : TaintHow::kAdd;
  return parts_->engine.label(pieces_of(space, taken, {first, one ? 0u : 1u, how}));
}

Result<void> TaintObserver::look_for_string(const Sight& sight) {
  const std::string& string = settings_.string;
  string_labels_ = take_labels(settings_.one_label ? 1 : string.size());
  Request request{};
  request.kind = uint32_t(RequestKind::kFind);
  request.args[0] = string.size();
  request.args[1] = UINT64_MAX;
  request.args[2] = 1;
  std::ranges::copy(string, sight.channel.mail().begin());
  sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kString, string, 0, 0, string_labels_,
                                       settings_.one_label ? 0u : 1u});
  return sight.channel.ask(request);
}

// The instruction that reads or writes the string has not been carried out yet, and would take the
// labels away again: they come when it is over.
Result<void> TaintObserver::on_found(const Sight& sight) {
  const auto reports = sight.channel.reports();
  if (reports.empty()) return {};
  const uint64_t vaddr = reports.back().values[0], size = settings_.string.size();
  const PageTables tables(sight.stop().cpu.cr3, sight.guest.kernel().five_levels());
  const uint32_t step = settings_.one_label ? 0 : 1;
  constexpr uint64_t kPage = 4096;
  for (uint64_t at = 0; at < size;) {
    const uint64_t part = std::min(size - at, kPage - (vaddr + at) % kPage);
    const auto paddr = sight.guest.kernel().memory().translate(tables, vaddr + at);
    if (!paddr) return {};
    found_.push_back({*paddr, part, {string_labels_ + uint32_t(at) * step, step}});
    at += part;
  }
  Request request{};
  request.kind = uint32_t(RequestKind::kMoment);
  request.args[0] = sight.stop().count;
  return sight.channel.ask(request);
}

Result<void> TaintObserver::on_moment(const Sight& sight) {
  if (found_.empty()) return {};
  const bool first = !std::exchange(string_seen_, true);
  if (first)
    sight.emit(nullptr,
               TaintSourceEvent{TaintOrigin::kString, settings_.string, 0, settings_.string.size(),
                                string_labels_, settings_.one_label ? 0u : 1u});
  const auto found = std::exchange(found_, {});
  return parts_->engine.label(found);
}

// What a program in the guest says with cpuid; see taint_wire.h.
Result<void> TaintObserver::on_marker(const Sight& sight) {
  const auto& r = sight.stop().cpu.gpr;
  const uint64_t task = sight.stop().task;
  const AddressSpace space(sight.guest.names(), sight.guest.mm(task));
  const uint64_t a = r[kRbx], b = std::min(r[kRdx], kMostBytes), c = r[kRsi], d = r[kRdi];
  TaintEngine& engine = parts_->engine;
  if (guest_labels_ == 0) guest_labels_ = uint32_t(kMostTaintLabels / 2);
  const auto first = uint32_t(guest_labels_ + c % (kMostTaintLabels / 4));
  const uint32_t step = d != 0 ? 1 : 0;
  const auto tell = [&](uint64_t size) {
    sight.emit(nullptr, TaintSourceEvent{TaintOrigin::kGuest, "", c, size, first, step});
  };
  switch (Marker(uint32_t(r[kRcx]))) {
    case Marker::kLabel:
      tell(b);
      return engine.label(pieces_of(space, {{a, b}}, {first, step}));
    case Marker::kQuery: {
      const auto ids = engine.query(pieces_of(space, {{a, b}}));
      return ids ? answer(sight, *ids, {false, 0, a, 0, false, {}}) : fail(ids.error());
    }
    case Marker::kLabelRegister:
      tell(b);
      return engine.label_register(uint32_t(a), 0, uint32_t(b), {first, step});
    case Marker::kQueryRegister: {
      const auto ids = engine.query_register(uint32_t(a));
      return ids ? answer(sight, *ids, {true, uint32_t(a), 0, 0, false, {}}) : fail(ids.error());
    }
    case Marker::kStdinBytes: {
      const auto info = sight.guest.tasks().info(task);
      if (!settings_.standard_input || !info || info->pid != kInit) return {};
      return label_stream(sight, TaintOrigin::kStdin, space, {{a, r[kRdx]}}, c, r[kRdx]);
    }
    case Marker::kProgramBegins:
    case Marker::kProgramEnded:
      break;
  }
  return {};
}

Result<void> TaintObserver::answer(const Sight& sight, const std::vector<TaintSetId>& ids,
                                   TaintQueryEvent from) {
  const auto spans = parts_->engine.spans(ids);
  if (!spans) return fail(spans.error());
  const GuestThread* const thread = sight.threads.find(sight.stop().task);
  const uint64_t begin = from.address;
  uint64_t at = 0;
  const auto tell = [&](uint64_t offset, uint64_t size, bool positional, TaintLabels labels) {
    from.address = begin + offset;
    from.length = size;
    from.positional = positional;
    from.labels = std::move(labels);
    sight.emit(thread, from);
  };
  for (const LabelledSpan& span : *spans) {
    if (span.offset > at) tell(at, span.offset - at, false, {});
    tell(span.offset, span.length, span.positional, span.labels);
    at = span.offset + span.length;
  }
  if (at < ids.size()) tell(at, ids.size() - at, false, {});
  return {};
}

// Where an instruction is can be told only while its process has it mapped.
void TaintObserver::on_reports(const Sight& sight) {
  for (const Report& report : sight.channel.reports()) {
    const uint32_t kind = report.kind - uint32_t(ReportKind::kTaint);
    if (report.kind < uint32_t(ReportKind::kTaint) || kind >= uint32_t(TaintFindingKind::kHolder))
      continue;
    const auto index = size_t(report.values[0]);
    if (!places_.contains(index)) places_[index] = code_.place(sight, report.task, report.vaddr);
  }
}

Result<void> TaintObserver::on_task_end(const Sight& sight, GuestThread& thread) {
  if (thread.process->threads == 1)
    if (auto ok = parts_->outputs.on_end(sight, thread); !ok) return ok;
  if (auto ok = tell_findings(sight, &thread, thread.task); !ok) return ok;
  return parts_->engine.forget_task(thread.task);
}

// All that has not been told yet: of one task, or (0) of whoever.
Result<void> TaintObserver::tell_findings(const Sight& sight, const GuestThread* thread,
                                          uint64_t task) {
  TaintEngine& engine = parts_->engine;
  const auto findings = engine.findings();
  if (!findings) return fail(findings.error());
  for (size_t i = 0; i < findings->size(); ++i) {
    const TaintFinding& finding = (*findings)[i];
    if ((task != 0 && finding.task != task) || !told_.insert(i).second) continue;
    const auto place = places_.find(i);
    const auto set = engine.describe(finding.set);
    if (!set) return fail(set.error());
    CodePlace at = place != places_.end() ? place->second : CodePlace{};
    at.address = finding.vaddr;
    sight.emit(thread,
               TaintUseEvent{use_of(finding.kind), std::move(at), set->labels, finding.times});
    places_.erase(i);
  }
  const auto holders = engine.holders();
  if (!holders) return fail(holders.error());
  for (size_t i = 0; i < holders->size() && thread; ++i) {
    const TaintHolder& holder = (*holders)[i];
    if (holder.task != task || holder.gone != 0 || holder.set == 0) continue;
    if (!told_holders_.insert(i).second) continue;
    const auto set = engine.describe(holder.set);
    if (!set) return fail(set.error());
    sight.emit(thread, TaintHolderEvent{set->labels});
  }
  return {};
}

Result<void> TaintObserver::program_ended(const Sight& sight) {
  on_reports(sight);
  for (GuestThread* const thread : sight.threads.all())
    if (auto ok = tell_findings(sight, thread, thread->task); !ok) return ok;
  if (auto ok = tell_findings(sight, nullptr, 0); !ok) return ok;
  return tell_how_it_went(sight);
}

Result<void> TaintObserver::tell_how_it_went(const Sight& sight) {
  auto unmodelled = parts_->engine.unmodelled();
  if (!unmodelled) return fail(unmodelled.error());
  std::vector<TaintUnmodelledEvent> events;
  for (const TaintUnmodelled& u : *unmodelled) {
    const std::string name(u.mnemonic, strnlen(u.mnemonic, sizeof u.mnemonic));
    events.push_back({name, u.times, u.tainted});
  }
  std::ranges::sort(events, {}, &TaintUnmodelledEvent::mnemonic);
  for (auto& event : events) sight.emit(nullptr, std::move(event));
  if (parts_->outputs.unseen() > 0)
    note(sight, "bytes between pipes",
         std::to_string(parts_->outputs.unseen()) +
             " calls moved bytes from one pipe or socket to another within the kernel; labels of "
             "what left the machine that way are not told");
  const auto s = parts_->engine.summary();
  if (!s) return fail(s.error());
  if (s->any_merged != 0)
    note(sight, "merged",
         "a set of labels outgrew --max-labels and was replaced by one that covers it: what is "
         "marked as merged may name more bytes than it comes from");
  sight.emit(nullptr,
             TaintSummaryEvent{settings_.pointers, settings_.depths, s->deepest, s->instructions,
                               s->peak_labelled, s->peak_shadow, s->peak_set, s->unmodelled,
                               s->unmodelled_tainted, s->any_merged != 0});
  return {};
}

void TaintObserver::note(const Sight& sight, std::string what, std::string detail) {
  sight.emit(nullptr, TaintNoteEvent{std::move(what), std::move(detail)});
}

}  // namespace fptrace::emu
