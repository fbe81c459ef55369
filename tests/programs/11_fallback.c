#include "check.h"
int main(void) {
  FAILS(open("first.conf", O_RDONLY), ENOENT);
  FAILS(open("plain/x", O_RDONLY), ENOTDIR);
  FAILS(open("loop1", O_RDONLY), ELOOP);
  FAILS(open("dangling", O_RDONLY), ENOENT);
  FAILS(open("dir", O_WRONLY), EISDIR);
  FAILS(open("no/such/dir/file", O_WRONLY | O_CREAT, 0644), ENOENT);
  expect_file("fallback.conf", "found");
  return 0;
}
