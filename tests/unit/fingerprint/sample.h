#pragma once
#include "fingerprint/manifest.h"

namespace fptrace::test {

inline Sha256 sample_hash(uint8_t tag) {
  Sha256 h{};
  h.fill(tag);
  return h;
}

// Every field set, with bytes that are not UTF-8 wherever they can be.
inline Manifest full_manifest() {
  Manifest m;
  m.argv = {"./a", "x\xff"};
  m.cwd = "/w\xfe";
  m.exit = ExitStatus{3, 0};
  m.os = "Debian GNU/Linux 12";
  m.kernel = "6.1.0";
  m.machine = "x86_64";
  m.backend = "ptrace";
  ManifestFile lib;
  lib.path = "/usr/lib/libc.so.6";
  lib.as_used = {"/lib/libc.so.6", "/w/\xff/libc.so.6"};
  lib.links = {"/lib"};
  lib.roles = {Role::kLibrary, Role::kData};
  lib.linkage = Linkage::kNeeded;
  lib.size = 1922136;
  lib.mode = 0755;
  lib.sha256 = sample_hash(0xab);
  lib.package = Package{"dpkg", "libc6", "2.36-9", "amd64"};
  lib.other_packages = {{"dpkg", "libc6", "2.36-9", "i386"}};
  lib.elf = ElfInfo{"libc.so.6",
                    "/lib/ld\xff.so",
                    {"z.so", "ld.so"},
                    "01ab",
                    {"ld.so(GLIBC_2.3)(64bit)"},
                    {"libc.so.6()(64bit)"}};
  lib.found_by = "runpath /w/\xff";
  lib.config = true;
  lib.opened_by = {"/w/a"};
  lib.openers = {"/w/b\xff.so"};
  ManifestFile odd;
  odd.path = "/w/a\nb\x80\"";
  odd.source = "/real/a";
  odd.roles = {Role::kScript};
  odd.mode = 04711;
  ManifestFile link;
  link.path = "/w/link";
  link.type = FileType::kSymlink;
  link.roles = {Role::kMetadata};
  link.target = "to\xff";
  ManifestFile abstract;
  abstract.path = "@bus";
  abstract.type = FileType::kSocket;
  abstract.roles = {Role::kSocket};
  abstract.peer = "/usr/bin/dbus";
  m.files = {lib, odd, link, abstract};
  m.missing = {{"/etc/ld.so.preload", "ENOENT"}, {"/w/\xc3\x28", "EACCES"}};
  m.outputs = {{"/w/dir", FileType::kDirectory, {}, {}, ""},
               {"/w/l", FileType::kSymlink, {}, {}, "out"},
               {"/w/out", FileType::kRegular, sample_hash(1), 3, ""}};
  m.environment_read = {"HOME"};
  m.environment_set = {{"API_TOKEN", "<redacted>"}, {"B\xff", "\xfe"}, {"PATH", "/usr/bin"}};
  m.packages = {{{"dpkg", "libc6", "2.36-9", "amd64"}, 1}};
  m.complete = false;
  m.undecoded = {{"io_uring_enter", 3}};
  ManifestProcess one{1, 0, 100, "/w/a", {"./a"}, ExitStatus{3, 0}, 10, 20};
  ManifestProcess two{2, 1, 101, "/bin/b", {"b", "\xff"}, ExitStatus{0, 15}, {}, {}};
  ManifestProcess three{3, 1, 102, "/bin/c", {}, {}, 5, {}};
  m.processes = {one, two, three};
  m.temporaries = {"/tmp/x"};
  m.times = {1'700'000'000'000'000'000, 42};
  return m;
}

// The least that a manifest has.
inline Manifest small_manifest() {
  Manifest m;
  m.argv = {"true"};
  m.cwd = "/";
  m.exit = ExitStatus{0, 0};
  m.backend = "ptrace";
  return m;
}

}  // namespace fptrace::test
