#pragma once
#include "pass_fd.h"

static inline int unix_connect(const char* name) {
  struct sockaddr_un address;
  socklen_t size;
  const int client = socket(AF_UNIX, SOCK_STREAM, 0);
  unix_address(&address, &size, name);
  CHECK(client >= 0);
  return connect(client, (struct sockaddr*)&address, size) == 0 ? client : -1;
}
