#!/usr/bin/env python3
"""--openers names the object whose code opened a file, however the call got to the kernel."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import harness
from harness import Skip, check, need

COMPILER = {".c": "gcc", ".cc": "g++", ".s": "gcc"}


class Objects:
    """Programs and libraries built for one case, in a directory below which all they open lies."""

    def __init__(self, scratch, *flags):
        self.dir = scratch.work().resolve()
        self.flags = ["-O2", "-D_GNU_SOURCE", "-Wall", *flags]
        for name in ("a", "b", "c", "d"):
            (self.dir / name).write_text(name)

    def build(self, name, text, *options, suffix=".c"):
        need(COMPILER[suffix])
        source = self.dir / (name + suffix)
        source.write_text(text)
        built = subprocess.run([COMPILER[suffix], *self.flags, "-o", self.dir / name, source, *options],
                               stdin=subprocess.DEVNULL, capture_output=True)
        if built.returncode != 0 and b"-m32" in b" ".join(map(str.encode, [*self.flags, *options])):
            raise Skip("no 32-bit compiler")
        check(built.returncode == 0, f"{COMPILER[suffix]} {name}: {built.stderr.decode()}")
        source.unlink()
        return str(self.dir / name)

    def library(self, name, text, *options):
        return self.build(name, text, "-shared", "-fPIC", *options)


def openers(scratch, mode, argv, *options):
    """The manifest's openers by path, of files that have any."""
    work = scratch.dir / "work"
    outcome = harness.run(scratch.traced(mode, argv, "--openers", *options), cwd=work)
    check(outcome.status == 0, f"{argv}: {outcome}")
    manifest = json.loads(scratch.manifest.read_text())
    return {f["path"]: f.get("openers", []) for f in manifest["files"] if f["roles"] != ["metadata"]}


def check_openers(found, base, expected):
    """`expected`: name below `base` -> path of the one opener."""
    for name, opener in expected.items():
        path = str(base / name)
        check(path in found, f"{path} is not in the manifest")
        check(found[path] == [str(opener)], f"{name} opened by {found[path]} instead of {opener}")


OPENS = """
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
"""

MANY_WAYS = OPENS + """
static int visit(const char* p, const struct stat* s, int t, struct FTW* f) {
  (void)p, (void)s, (void)t, (void)f;
  return 0;
}
int main(void) {
  FILE* f = fopen("a", "r");
  if (!f || !freopen("b", "r", f)) return 1;
  volatile int fd = open("c", O_RDONLY);
  if (fd < 0 || syscall(SYS_openat, AT_FDCWD, "d", O_RDONLY) < 0) return 2;
  DIR* d = opendir("e");
  if (!d || !readdir(d)) return 3;
  if (nftw("f", visit, 8, 0) != 0) return 4;
  glob_t g;
  if (glob("g/*", 0, 0, &g) != 0) return 5;
  return 0;
}
"""


def direct(scratch, mode):
    """The main program, through every kind of function that opens."""
    for flags in ([], ["-fno-plt"], ["-no-pie", "-fno-pie"], ["-fomit-frame-pointer", "-s", "-O3"],
                  ["-fcf-protection=full", "-Wl,-z,ibtplt"], ["-Wl,-z,now", "-D_FORTIFY_SOURCE=2"],
                  ["-Wl,--hash-style=sysv", "-Wl,-z,lazy"], ["-fno-asynchronous-unwind-tables"]):
        made = Objects(scratch, *flags)
        for name in ("e", "f", "g"):
            (made.dir / name).mkdir()
            (made.dir / name / "x").write_text("")
        program = made.build("program", MANY_WAYS)
        found = openers(scratch, mode, [program])
        check_openers(found, made.dir, dict.fromkeys("abcdefg", program))


def own_of_libc(scratch, mode):
    """What libc and the loader open for themselves is theirs, though the program is to blame."""
    made = Objects(scratch)
    program = made.build("program", """
        #include <fcntl.h>
        #include <pwd.h>
        int main(void) { return getpwnam("root") == 0 || open("a", O_RDONLY) < 0; }""")
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": program})
    check([Path(o).name for o in found["/etc/passwd"]] == ["libc.so.6"], f"passwd: {found['/etc/passwd']}")
    check([Path(o).name[:3] for o in found["/etc/ld.so.cache"]] == ["ld-"], f"{found['/etc/ld.so.cache']}")


def library_opens(scratch, mode):
    """A library; one that calls back into another; one that ends in a tail call; several of a file."""
    made = Objects(scratch)
    made.library("libouter.so", """
        int walk(int (*open_it)(const char*), const char* name);
        int walk(int (*open_it)(const char*), const char* name) { return open_it(name) + 1; }""")
    inner = made.library("libinner.so", """
        #include <fcntl.h>
        int open_it(const char* name);
        int open_it(const char* name) { int fd = open(name, O_RDONLY); return fd < 0 ? -1 : fd; }
        int jump_to_open(const char* name);
        int jump_to_open(const char* name) { return open(name, O_RDONLY); }""")
    program = made.build("program", """
        #include <fcntl.h>
        int walk(int (*open_it)(const char*), const char* name);
        int open_it(const char*), jump_to_open(const char*);
        int main(void) {
          if (open_it("a") < 0 || walk(open_it, "b") <= 0) return 1;
          volatile int fd = jump_to_open("c");
          if (fd < 0 || open("d", O_RDONLY) < 0) return 2;
          fd = open_it("d");
          return fd < 0;
        }""", f"-L{made.dir}", "-louter", "-linner", "-Wl,-rpath,$ORIGIN")
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": inner, "b": inner, "c": inner})
    check(found[str(made.dir / "d")] == sorted([inner, program]), f"d: {found[str(made.dir / 'd')]}")


def plugin(scratch, mode):
    """A dlopen'ed plugin; what is dlopen'ed was opened by who called dlopen."""
    made = Objects(scratch)
    lib = made.library("plugin.so", """
        #include <stdio.h>
        __attribute__((constructor)) static void begin(void) { if (!fopen("a", "r")) __builtin_trap(); }
        int work(void);
        int work(void) { return fopen("b", "r") == 0; }""")
    program = made.build("program", """
        #include <dlfcn.h>
        int main(void) {
          void* h = dlopen("./plugin.so", RTLD_NOW);
          int (*work)(void) = (int (*)(void))dlsym(h, "work");
          return work() || dlclose(h);
        }""")
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": lib, "b": lib, "plugin.so": program})


def cxx_streams(scratch, mode):
    """libstdc++ opens on behalf of who uses its streams, but random_device's is its own."""
    made = Objects(scratch)
    program = made.build("program", """
        #include <filesystem>
        #include <fstream>
        int main() {
          std::ifstream a("a");
          std::filebuf b;
          std::string text;
          if (!b.open("b", std::ios::in) || !std::getline(a, text)) return 1;
          std::fstream c;
          c.open("c", std::ios::in);
          for (auto& e : std::filesystem::recursive_directory_iterator("e")) text += e.path();
          return !c.is_open() || text.empty();
        }""", "-std=c++17", suffix=".cc")
    (made.dir / "e" / "f").mkdir(parents=True)
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": program, "b": program, "c": program, "e": program,
                                    "e/f": program})


def interposed(scratch, mode):
    """Who calls an open that a preloaded library has put in libc's place."""
    made = Objects(scratch)
    lib = made.library("libwrap.so", """
        #include <dlfcn.h>
        #include <fcntl.h>
        int open(const char* name, int flags, ...) {
          int fd = openat(AT_FDCWD, name, flags);
          return fd < 0 ? -1 : fd;
        }""", "-ldl")
    program = made.build("program", """
        #include <fcntl.h>
        int main(void) { return open("a", O_RDONLY) < 0; }""")
    found = openers(scratch, mode, ["env", f"LD_PRELOAD={lib}", program])
    check_openers(found, made.dir, {"a": program})


def static_program(scratch, mode):
    """No dynamic linking, with and without symbols, and no libc at all."""
    for flags in (["-static"], ["-static", "-s", "-fno-asynchronous-unwind-tables"], ["-static-pie"]):
        made = Objects(scratch, *flags)
        program = made.build("program", OPENS + 'int main(void) { return fopen("a", "r") == 0; }')
        check_openers(openers(scratch, mode, [program]), made.dir, {"a": program})


NO_LIBC = """
    .globl _start
    _start: mov $257, %eax; mov $-100, %edi; lea name(%rip), %rsi; xor %edx, %edx; xor %ebp, %ebp
            syscall
            mov %rax, %rdi; shr $63, %rdi; mov $231, %eax; syscall
    name: .asciz "a"
"""


def no_libc(scratch, mode):
    made = Objects(scratch)
    program = made.build("program", NO_LIBC, "-nostdlib", "-static", suffix=".s")
    check_openers(openers(scratch, mode, [program]), made.dir, {"a": program})


def i386(scratch, mode):
    """32-bit programs, which enter the kernel through the vdso."""
    harness.need_ia32(scratch)
    for flags in (["-m32"], ["-m32", "-no-pie", "-fno-pie", "-fomit-frame-pointer"], ["-m32", "-fno-plt"]):
        made = Objects(scratch, *flags)
        lib = made.library("libopen.so", """
            #include <stdio.h>
            int open_it(const char*);
            int open_it(const char* name) { return fopen(name, "r") == 0; }""")
        program = made.build("program", """
            #include <dlfcn.h>
            #include <fcntl.h>
            #include <stdio.h>
            int open_it(const char*);
            int main(void) {
              return open("a", O_RDONLY) < 0 || fopen("b", "r") == 0 || open_it("c") ||
                     dlopen("./libopen.so", RTLD_NOW) == 0;
            }""", f"-L{made.dir}", "-lopen", "-Wl,-rpath,$ORIGIN")
        check_openers(openers(scratch, mode, [program]), made.dir,
                      {"a": program, "b": program, "c": lib})


def threads_and_signals(scratch, mode):
    """Threads that open beside one another, and handlers, also on a stack of their own."""
    made = Objects(scratch)
    lib = made.library("libthread.so", """
        #include <fcntl.h>
        #include <unistd.h>
        void* run(void*);
        void* run(void* name) {
          for (int i = 0; i < 50; ++i) {
            int fd = open(name, O_RDONLY);
            if (fd < 0) return name;
            close(fd);
          }
          return 0;
        }""")
    program = made.build("program", """
        #include <fcntl.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdlib.h>
        #include <unistd.h>
        void* run(void*);
        static void* mine(void* name) { return run(name) ? name : open("b", O_RDONLY) < 0 ? name : 0; }
        static void on_signal(int s) { if (open(s == SIGUSR1 ? "c" : "d", O_RDONLY) < 0) _exit(9); }
        int main(void) {
          pthread_t t[4];
          for (int i = 0; i < 4; ++i) pthread_create(&t[i], 0, i % 2 ? run : mine, "a");
          stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
          sigaltstack(&other, 0);
          struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
          sigaction(SIGUSR1, &action, 0);
          signal(SIGUSR2, on_signal);
          raise(SIGUSR1);
          raise(SIGUSR2);
          for (int i = 0; i < 4; ++i) {
            void* failed;
            if (pthread_join(t[i], &failed) || failed) return 1;
          }
          return 0;
        }""", "-pthread", f"-L{made.dir}", "-lthread", "-Wl,-rpath,$ORIGIN")
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": lib, "b": program, "c": program, "d": program})


def python(scratch, mode):
    """open() is the interpreter's; a C extension's fopen is the extension's."""
    made = Objects(scratch)
    include = sysconfig.get_path("include")
    found = openers(scratch, mode, [sys.executable, "-S", "-c", "open('a').read()"])
    check(len(found[str(made.dir / "a")]) == 1, f"a: {found[str(made.dir / 'a')]}")
    opener = found[str(made.dir / "a")][0]
    check("python" in Path(opener).name, f"python's own open: {opener}")
    if not Path(include, "Python.h").exists():
        raise Skip("no headers of Python")
    extension = made.library("reader.so", """
        #define PY_SSIZE_T_CLEAN
        #include <Python.h>
        static PyObject* read_it(PyObject* self, PyObject* name) {
          FILE* f = fopen(PyUnicode_AsUTF8(name), "r");
          if (!f) return PyErr_SetFromErrno(PyExc_OSError);
          fclose(f);
          Py_RETURN_NONE;
        }
        static PyMethodDef methods[] = {{"read", read_it, METH_O, 0}, {0}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "reader", 0, -1, methods};
        PyMODINIT_FUNC PyInit_reader(void) { return PyModule_Create(&module); }""", f"-I{include}")
    script = "import sys; sys.path.insert(0, '.'); import reader; reader.read('b'); open('a')"
    found = openers(scratch, mode, [sys.executable, "-c", script])
    check_openers(found, made.dir, {"a": opener, "b": extension, "reader.so": opener})


def odd_stacks(scratch, mode):
    """What nothing can be learned of costs neither the trace nor the program."""
    made = Objects(scratch)
    program = made.build("program", """
        #include <fcntl.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static int with_stack(void* top, const char* name) {  // openat, with rsp and rbp made up
          long fd;
          __asm__ volatile("mov %%rsp, %%r12; mov %%rbp, %%r13; mov %2, %%rsp; mov %2, %%rbp\\n"
                           "xor %%edx, %%edx; mov $257, %%eax; syscall; mov %%r12, %%rsp; mov %%r13, %%rbp"
                           : "=a"(fd) : "D"(-100L), "r"(top), "S"(name)
                           : "rcx", "r11", "r12", "r13", "rdx", "memory");
          return (int)fd;
        }
        int main(void) {
          if (with_stack((void*)8, "a") < 0 || with_stack((void*)-16L, "b") < 0) return 1;
          char* code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          memcpy(code, "\\xb8\\x01\\x01\\x00\\x00\\x0f\\x05\\xc3", 8);  // mov $257, %eax; syscall; ret
          if (((int (*)(int, const char*, int))code)(AT_FDCWD, "c", O_RDONLY) < 0) return 2;
          return open("d", O_RDONLY) < 0;
        }""")
    found = openers(scratch, mode, [program])
    check_openers(found, made.dir, {"a": program, "b": program, "d": program})
    check(found[str(made.dir / "c")] == [], f"c: {found[str(made.dir / 'c')]}")


def deleted_and_renamed(scratch, mode):
    """Libraries that are gone, or are replaced, while they open."""
    made = Objects(scratch)
    text = """
        #include <fcntl.h>
        int open_it(const char*);
        int open_it(const char* name) { int fd = open(name, O_RDONLY); return fd < 0 ? -1 : 0; }"""
    one, two = made.library("libone.so", text), made.library("libtwo.so", text)
    program = made.build("program", """
        #include <dlfcn.h>
        #include <stdio.h>
        #include <unistd.h>
        typedef int (*Open)(const char*);
        int main(void) {
          void* one = dlopen("./libone.so", RTLD_NOW);
          void* two = dlopen("./libtwo.so", RTLD_NOW);
          if (unlink("libone.so") || ((Open)dlsym(one, "open_it"))("a") || dlclose(one)) return 1;
          if (rename("libtwo.so", "libother.so") || ((Open)dlsym(two, "open_it"))("b")) return 2;
          return 0;
        }""")
    check_openers(openers(scratch, mode, [program]), made.dir, {"a": one, "b": two})


def from_log(scratch, mode):
    """The manifest of a log has the openers too, and a log without them is refused if they are wanted."""
    made = Objects(scratch)
    program = made.build("program", MANY_WAYS.split("DIR* d")[0] + "return 0; }")
    with_them, without = scratch.dir / "with.fplog", scratch.dir / "without.fplog"
    openers(scratch, mode, [program], "--log", with_them)
    live = scratch.manifest.read_bytes()
    stored = harness.run([harness.FPTRACE, "manifest", "--openers", with_them])
    check(stored.status == 0 and stored.stdout == live, f"not the same: {stored}")

    said = harness.run([harness.FPTRACE, "log", "--json", "--filter", f"type=open path={made.dir}/a", with_them])
    check([json.loads(l)["opener"] for l in said.stdout.splitlines()] == [program], f"{said}")
    harness.run(scratch.traced(mode, [program], "--log", without), cwd=made.dir)
    refused = harness.run([harness.FPTRACE, "manifest", "--openers", without])
    check(refused.status == 125 and b"openers" in refused.stderr and b"--log" in refused.stderr, f"{refused}")
    plain = harness.run([harness.FPTRACE, "manifest", without])
    check(plain.status == 0 and b'"openers"' not in plain.stdout, f"{plain.stdout}")


if __name__ == "__main__":
    CASES = (direct, own_of_libc, library_opens, plugin, cxx_streams, interposed, static_program, no_libc,
             i386, threads_and_signals, python, odd_stacks, deleted_and_renamed, from_log)
    sys.exit(harness.main({f.__name__: f for f in CASES}))
