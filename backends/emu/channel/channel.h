#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "backends/emu/channel/wire.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {

// The host's end of the channel to the plugin. One thread at a time.
class Channel {
 public:
  struct Ram {
    std::string path;
    uint64_t size = 0, low_size = 0;  // see GuestMemory
  };
  // Makes the file at `path` (it must not exist; the caller removes its directory) before QEMU is
  // started with `-plugin ...,channel=path`. `count`: count instructions.
  static Result<Channel> create(const std::string& path, bool count);
  // Before QEMU is started: whether taint is wanted (see taint_wire.h).
  void want_taint(bool yes) { wire_->want_taint = yes; }
  // Before the guest runs.
  Result<void> set_ram(const Ram& ram);
  // What the plugin is to be ready for; before QEMU is started.
  void want_moment() { wire_->want_moment = 1; }
  void want_blocks() { wire_->want_blocks = 1; }
  void want_find(uint32_t where) { wire_->want_find = where; }

  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&&) = delete;
  // The plugin ends QEMU if it is still there.
  ~Channel();

  enum class Wait { kStopped, kGone /* QEMU has ended */, kCalledOff };
  // Waits for the guest to stop; then stop() may be read, and settings changed, until resume().
  // `call_off` is asked some times a second. kGone only after the plugin had once connected: until
  // then whoever started QEMU sees it end, and calls the wait off.
  Wait wait(const std::function<bool()>& call_off);
  const StopRecord& stop() const { return wire_->stop; }
  void resume();
  // Ends QEMU instead.
  void quit();

  // At a stop: has the plugin do `request` (see wire.h) while the guest stands still, and fills in
  // its reply. What goes along, either way, is in mail(). An error when the plugin refused it
  // (sys: its errno) or is gone.
  Result<void> ask(Request& request);
  std::span<uint8_t, kMailSize> mail() { return std::span<uint8_t, kMailSize>(wire_->mail); }

  // At a stop: what the plugin reported since the last one, in order. Valid until clear_reports(),
  // which every stop needs before resume().
  std::span<const Report> reports() const;
  void clear_reports() { wire_->reports_written = 0; }

  // Whether the plugin came and went for being of another build: its version, 0 if it never came.
  uint32_t plugin_version() const { return wire_->plugin_version; }

  // At a stop only.
  void set_current_paddr(uint64_t paddr) { wire_->current_paddr = paddr; }
  void set_hook(uint32_t index, uint64_t vaddr, uint32_t flags) {
    wire_->hooks[index] = vaddr;
    wire_->hook_flags[index] = flags;
  }
  // kPage stops: at entry of these functions (0: none), for the pages of these address_spaces; the
  // pointer to it is at `offset` in a struct page. False: more than there is room for.
  void set_page_hooks(uint64_t first, uint64_t second, uint32_t offset) {
    wire_->page_hooks[0] = first;
    wire_->page_hooks[1] = second;
    wire_->page_owner_offset = offset;
  }
  bool add_page_owner(uint64_t address_space) {
    if (wire_->page_owners_count == kMostPageOwners) return false;
    wire_->page_owners[wire_->page_owners_count++] = address_space;
    return true;
  }
  void watch_all(bool yes) { wire_->watch_all = yes; }
  void set_switch_function(uint64_t vaddr) { wire_->switch_function = vaddr; }
  void want_switches() { wire_->want_switches = 1; }
  // Which calls are `interesting`, and which of them are `told_late`: see Wire. A call is in a set
  // if it was added to it, or if all tests of it that were added hold.
  void set_interesting(uint32_t abi, uint32_t nr);
  void set_interesting_if(const CallTest& test);  // without room for the test: set_interesting()
  void tell_late(uint32_t abi, uint32_t nr);
  void tell_late_if(const CallTest& test);  // at once, if there is no room for the test
  // What the plugin is to report of a task; 0: nothing, also with watch_all(). An error: more tasks
  // than the table holds.
  Result<void> set_task(uint64_t task, uint32_t flags);
  // It is gone; its address may be another's soon.
  void forget_task(uint64_t task);

 private:
  Channel(UniqueFd file, Wire* wire) : file_(std::move(file)), wire_(wire) {}
  Wait wait_for_turn(const std::function<bool()>& call_off, int looks);
  void give_turn(Turn turn);
  bool plugin_lives() const;

  UniqueFd file_;
  Wire* wire_;
  bool plugin_seen_ = false;
  bool call_began_ = false;  // at the last stop
  uint32_t tasks_ = 0;
};

}  // namespace fptrace::emu
