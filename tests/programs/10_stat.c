/* Every way to ask, each on a file of its own. */
#include "check.h"
int main(void) {
  struct stat st;
  struct statx stx;
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  CHECK(stat("stat", &st) == 0);
  CHECK(lstat("lstat", &st) == 0);
  CHECK(lstat("link", &st) == 0 && S_ISLNK(st.st_mode));
  CHECK(fstatat(dir, "fstatat", &st, 0) == 0);
  CHECK(syscall(SYS_stat, "old_stat", &st) == 0);
  CHECK(statx(dir, "statx", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) == 0);
  CHECK(statx(AT_FDCWD, "through_link", 0, STATX_SIZE, &stx) == 0 && stx.stx_size == 6);
  CHECK(access("access", R_OK) == 0);
  CHECK(faccessat(dir, "faccessat", F_OK, 0) == 0);
  CHECK(syscall(SYS_faccessat2, dir, "faccessat2", F_OK, AT_EACCESS) == 0 || errno == ENOSYS);
  FAILS(stat("none", &st), ENOENT);
  FAILS(statx(dir, "none", 0, STATX_SIZE, &stx), ENOENT);
  FAILS(access("no/such", F_OK), ENOENT);
  return 0;
}
