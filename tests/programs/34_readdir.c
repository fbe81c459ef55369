#include <dirent.h>
#include <glob.h>

#include "check.h"
int main(void) {
  int count = 0;
  glob_t found;
  DIR* dir = opendir("listed");
  CHECK(dir != NULL);
  while (readdir(dir) != NULL) ++count;
  CHECK(count == 4 && closedir(dir) == 0);
  CHECK(glob("globbed/*.c", 0, NULL, &found) == 0 && found.gl_pathc == 1);
  DIR* empty = opendir("empty");
  CHECK(empty != NULL && readdir(empty) != NULL && closedir(empty) == 0);
  FAILS(open("none", O_RDONLY | O_DIRECTORY), ENOENT);
  FAILS(open("listed/a", O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK(open("opened", O_RDONLY | O_DIRECTORY) >= 0);
  return 0;
}
