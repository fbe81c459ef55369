#include "check.h"
int main(void) {
  const int outside = open(".", O_PATH);
  const pid_t child = fork();
  if (child == 0) {
    if (chroot("jail") != 0) {
      CHECK(errno == EPERM);
      _exit(77);
    }
    CHECK(chdir("/") == 0);
    expect_file("/x", "inside");
    expect_file("../../x", "inside");
    expect_file("/link", "also inside");
    FAILS(open("/etc/passwd", O_RDONLY), ENOENT);
    expect_fd(openat(outside, "x", O_RDONLY), "outside");
    put("/out", "made");
    _exit(0);
  }
  const int code = exit_code_of(child);
  if (code == 77) SKIP("may not chroot");
  CHECK(code == 0);
  expect_file("jail/out", "made");
  return 0;
}
