#include <spawn.h>

#include "check.h"
int main(void) {
  posix_spawn_file_actions_t actions;
  char* argv[] = {(char*)"helper_read", (char*)"x", NULL};
  pid_t child = -1;
  CHECK(posix_spawn_file_actions_init(&actions) == 0);
  CHECK(posix_spawn_file_actions_addopen(&actions, 9, "opened", O_RDONLY, 0) == 0);
  CHECK(posix_spawn(&child, beside("helper_read"), &actions, NULL, argv, environ) == 0);
  CHECK(exit_code_of(child) == 0);
  CHECK(posix_spawn(&child, "none", NULL, NULL, argv, environ) == ENOENT);
  return 0;
}
