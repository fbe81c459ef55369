#include "unix_client.h"
int main(void) {
  hear(unix_connect("dir/sock"));
  FAILS(unix_connect("none"), ENOENT);
  FAILS(unix_connect("plain"), ECONNREFUSED);
  return 0;
}
