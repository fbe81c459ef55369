#include "backends/emu/qemu/machine.h"

#include <utility>

#include "backends/emu/guest/protocol.h"

namespace fptrace::emu {
namespace {

// In QEMU's option lists a comma is written twice.
std::string escape(const std::string& path) {
  std::string s;
  for (const char c : path) {
    s += c;
    if (c == ',') s += c;
  }
  return s;
}

std::string fd_path(int fd) { return "/dev/fd/" + std::to_string(fd); }

std::vector<std::string> board(const Machine& m, const MachineFiles& f) {
  const std::string size = std::to_string(m.memory_mib) + "M";
  const std::string share = f.ram_is_private ? "off,readonly=on,rom=off" : "on";
  return {
      "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
      // A guest that reboots has panicked.
      "-no-reboot",
      // With a HPET, a state saved during a replay cannot be restored.
      "-machine", "pc,accel=tcg,hpet=off,memory-backend=ram", "-cpu", m.cpu, "-smp", "1", "-m",
      size, "-object",
      "memory-backend-file,id=ram,share=" + share + ",mem-path=" + escape(f.ram) + ",size=" + size,
      "-rtc", "base=utc,clock=vm", "-kernel", f.kernel, "-initrd", f.initramfs, "-append",
      "console=ttyS0 quiet loglevel=3 panic=-1"};
}

// Only what -serial names is recorded and replayed as input. A fifth serial line has no device in
// this machine, so that the port can have it.
std::vector<std::string> lines(const MachineFiles& f, const Launch& l) {
  return {"-chardev",
          "file,id=line,path=" + fd_path(l.from_guest) + ",input-path=" + fd_path(l.to_guest),
          "-serial", "file:" + f.console, "-serial", "none", "-serial", "none", "-serial", "none",
          "-serial", "chardev:line",
          // Notifications through eventfds come at any time.
          "-device", "virtio-serial-pci,ioeventfd=off,max_ports=2", "-device",
          std::string("virtserialport,chardev=line,name=") + kPortName, "-chardev",
          "socket,id=qmp,fd=" + std::to_string(l.qmp), "-mon", "chardev=qmp,mode=control"};
}

std::vector<std::string> drives(const MachineFiles& f, Mode mode) {
  // What a recording read is what its bundle keeps of the disk.
  const std::string copy = mode == Mode::kRecord ? ",copy-on-read=on" : "";
  return {"-drive", "if=none,id=state,format=qcow2,file=" + escape(f.state),
          // Nothing of it survives the run, so nothing need reach the platter.
          "-drive", "if=none,id=disk,format=qcow2,cache=unsafe" + copy + ",file=" + escape(f.disk),
          "-drive", "if=none,id=replayed,driver=blkreplay,image=disk", "-device",
          "virtio-blk-pci,drive=replayed,ioeventfd=off"};
}

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  for (auto& s : more) to.push_back(std::move(s));
}

void compare(std::vector<std::string>& out, const char* what, const std::string& recording,
             const std::string& image) {
  if (recording == image) return;
  out.push_back(std::string("the recording's ") + what + " is " + recording + ", the image's " +
                image);
}

}  // namespace

std::vector<std::string> differences(const Machine& recording, const Machine& image) {
  std::vector<std::string> out;
  compare(out, "CPU", recording.cpu, image.cpu);
  compare(out, "memory", std::to_string(recording.memory_mib) + " MiB",
          std::to_string(image.memory_mib) + " MiB");
  compare(out, "clock shift", std::to_string(recording.icount_shift),
          std::to_string(image.icount_shift));
  return out;
}

Result<void> check(const Machine& m) {
  // Above 3 GiB the memory of this board is in two pieces.
  if (m.memory_mib < 128 || m.memory_mib > 3072)
    return fail(Errc::kParse, "a guest's memory is 128 to 3072 MiB");
  if (m.icount_shift > 10) return fail(Errc::kParse, "the clock shift is 0 to 10");
  if (m.cpu.empty() ||
      m.cpu.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789+-._,=") != std::string::npos)
    return fail(Errc::kParse, "'" + m.cpu + "' is no CPU model");
  return {};
}

std::vector<std::string> command_line(const Machine& machine, const MachineFiles& files,
                                      const Launch& launch) {
  std::vector<std::string> all = board(machine, files);
  append(all, lines(files, launch));
  append(all, drives(files, launch.mode));
  if (launch.mode != Mode::kBoot) all.push_back("-S");
  const std::string rr = launch.mode == Mode::kReplay ? "replay" : "record";
  append(all, {"-icount", "shift=" + std::to_string(machine.icount_shift) + ",rr=" + rr +
                              ",rrfile=" + escape(launch.log)});
  for (const auto& plugin : launch.plugins) append(all, {"-plugin", plugin});
  return all;
}

}  // namespace fptrace::emu
