#pragma once
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

static inline void send_fd(int socket, int fd) {
  char byte = 'x', control[CMSG_SPACE(sizeof fd)];
  struct iovec data = {&byte, 1};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(control, 0, sizeof control);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  CHECK(sendmsg(socket, &message, 0) == 1);
}

static inline int receive_fd(int socket) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message;
  int fd = -1;
  memset(&message, 0, sizeof message);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  CHECK(recvmsg(socket, &message, 0) == 1);
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  CHECK(head != NULL && head->cmsg_type == SCM_RIGHTS);
  memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

static inline void unix_address(struct sockaddr_un* address, socklen_t* size, const char* name) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strcpy(address->sun_path, name);
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
  if (name[0] == '@') { /* abstract: the first byte is 0 and no 0 ends it */
    address->sun_path[0] = 0;
    --*size;
  }
}
