#pragma once
#include <dlfcn.h>

#include "check.h"

static inline void use(const char* name, const char* function) {
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  int (*call)(void) = (int (*)(void))dlsym(library, function);
  CHECK(call != NULL && call() == 42);
}
