/* helper_server SOCKET FILE: an untraced daemon. Serves one client: passes it an open descriptor
   of FILE (or, for FILE "-", one byte), then ends. Says through $READY that it listens. */
#include "pass_fd.h"
int main(int argc, char** argv) {
  struct sockaddr_un address;
  socklen_t size;
  CHECK(argc == 3);
  alarm(30);
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  unix_address(&address, &size, argv[1]);
  CHECK(server >= 0 && bind(server, (struct sockaddr*)&address, size) == 0);
  CHECK(listen(server, 5) == 0);
  tell(open(getenv("READY"), O_WRONLY));
  const int client = accept(server, NULL, NULL);
  CHECK(client >= 0);
  if (strcmp(argv[2], "-") == 0) {
    tell(client);
  } else {
    send_fd(client, open(argv[2], O_RDONLY));
  }
  /* Like a daemon, it outlives the client: whoever asks who it is must find it. */
  char byte;
  while (read(client, &byte, 1) > 0) {}
  return 0;
}
