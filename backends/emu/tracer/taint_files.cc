#include "backends/emu/tracer/taint_files.h"

#include <algorithm>

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostPages = 512;  // of one folio that page caches of 4 KiB blocks make

}  // namespace

// Whoever reads a page keeps it locked until it is there: folio_unlock(folio), or since 6.6 for
// most of them folio_end_read(folio, success).
Result<void> FileLabels::set_up(Channel& channel, const GuestKernel& kernel) {
  uint64_t unlock = kernel.symbol("folio_unlock");
  if (unlock == 0) unlock = kernel.symbol("unlock_page");  // before 5.16
  const Member owner = kernel.layout().pages.page_mapping;
  if (unlock == 0 || !owner)
    return fail(Errc::kUnsupported,
                "the guest's kernel " + kernel.release() + " does not tell when it has read a file");
  channel.set_page_hooks(unlock, kernel.symbol("folio_end_read"), owner.offset);
  return {};
}

Result<void> FileLabels::add(const Sight& sight, Source source,
                             std::vector<TaintSourceEvent>& events) {
  const GuestKernel& kernel = sight.guest.kernel();
  Followed file{std::move(source), 0, {}};
  file.address_space = kernel.pointer(file.source.inode, kernel.layout().inode.mapping);
  if (file.address_space == 0 || !sight.channel.add_page_owner(file.address_space))
    return fail(Errc::kUnsupported,
                file.source.name + ": more files than can be followed at once");
  const auto pieces =
      pieces_of_file(kernel, file.source.inode, file.source.from, file.source.to);
  if (auto ok = label(file, pieces, events); !ok) return ok;
  files_.push_back(std::move(file));
  return {};
}

// The page is not marked as read yet at the entry of folio_end_read(), and may be one of several
// that come together.
Result<void> FileLabels::on_page(const Sight& sight, std::vector<TaintSourceEvent>& events) {
  const GuestKernel& kernel = sight.guest.kernel();
  const auto& layout = kernel.layout().pages;
  const uint64_t page = sight.stop().cpu.gpr[kRdi];
  const uint64_t owner = kernel.pointer(page, layout.page_mapping);
  const uint64_t flags = kernel.number(page, layout.page_flags).value_or(0);
  const auto index = kernel.number(page, layout.page_index);
  const auto paddr = kernel.page_address(page);
  // A page that the program wrote to is no longer what was in the file.
  const bool dirty = layout.dirty < 64 && (flags >> layout.dirty & 1) != 0;
  if (!index || !paddr || dirty) return {};
  const PageCache cache(kernel);
  for (Followed& file : files_) {
    if (file.address_space != owner) continue;
    const uint64_t size = kernel.number(file.source.inode, kernel.layout().inode.size).value_or(0);
    std::vector<FilePiece> pieces;
    for (uint64_t i = 0; i < kMostPages && cache.holds(owner, *index + i, page); ++i) {
      const uint64_t begin = (*index + i) * kPage;
      const uint64_t from = std::max(begin, file.source.from);
      const uint64_t end = std::min({begin + kPage, file.source.to + 1, size});
      const uint64_t at = *paddr + i * kPage;
      const auto known = file.labelled.find(*index + i);
      if (known != file.labelled.end() && known->second == at) continue;
      if (from < end) pieces.push_back({from, at + from % kPage, end - from});
    }
    if (auto ok = label(file, pieces, events); !ok) return ok;
  }
  return {};
}

Result<void> FileLabels::label(Followed& file, const std::vector<FilePiece>& pieces,
                               std::vector<TaintSourceEvent>& events) {
  const Source& source = file.source;
  std::vector<TaintEngine::Piece> labels;
  for (const FilePiece& p : pieces) {
    const auto first = source.first_label + uint32_t(p.offset - source.from) * source.step;
    labels.push_back({p.paddr, p.size, {first, source.step, TaintHow::kReplace}});
    file.labelled[p.offset / kPage] = p.paddr - p.offset % kPage;
    TaintSourceEvent* const last = events.empty() ? nullptr : &events.back();
    if (last && last->name == source.name && last->offset + last->length == p.offset)
      last->length += p.size;
    else
      events.push_back({TaintOrigin::kFile, source.name, p.offset, p.size, first, source.step});
  }
  return engine_.label(labels);
}

}  // namespace fptrace::emu
