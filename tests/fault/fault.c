/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into sysswitch: counts its calls by class, from main() on and in its children until
 * they run another program, and fails one of them.
 *
 *   FAULT_COUNTERS  a file of N_CLASSES 64-bit numbers, where the calls are counted
 *   FAULT_CLASS     alloc, write, sync, rename, make, read, sqlite or bus; none: nothing fails
 *   FAULT_AT        which call of that class fails, from 1 on
 *   FAULT_STICKY    1: all from there on fail
 *   FAULT_CODE      errno, or SQLite's code, that it fails with
 *   FAULT_LATE      1: the call is made, and fails afterwards all the same
 *
 * Calls of libraries count, too, except those of libc within itself other than for memory. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef enum Class {
        NO_CLASS = -1,
        CLASS_ALLOC,
        CLASS_WRITE,
        CLASS_SYNC,
        CLASS_RENAME, /* and removals */
        CLASS_MAKE,   /* files, directories, links, and their attributes */
        CLASS_READ,
        CLASS_SQLITE,
        CLASS_BUS,
        N_CLASSES,
} Class;

static const char *const class_names[N_CLASSES] = {
        "alloc",
        "write",
        "sync",
        "rename",
        "make",
        "read",
        "sqlite",
        "bus",
};

static uint64_t *counters; /* shared; NULL: nothing is counted */
static int failing_class = -1;
static uint64_t fails_at;
static bool is_sticky, is_late;
static int code;

static uint64_t number_from(const char *name) {
        const char *text = getenv(name);
        return text ? strtoull(text, NULL, 10) : 0;
}

static void begin(void) {
        const char *path = getenv("FAULT_COUNTERS"), *name = getenv("FAULT_CLASS");
        if (!path || strcmp(program_invocation_short_name, "sysswitch") != 0)
                return;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        void *map = fd < 0 ? MAP_FAILED
                           : mmap(NULL, N_CLASSES * sizeof(*counters), PROT_READ | PROT_WRITE,
                                             MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
                (void) dprintf(STDERR_FILENO, "fault: %s: %m\n", path);
                _exit(99);
        }
        (void) close(fd); /* it is mapped */
        for (int i = 0; name && i < N_CLASSES; i++)
                if (strcmp(name, class_names[i]) == 0)
                        failing_class = i;
        fails_at = number_from("FAULT_AT");
        is_sticky = number_from("FAULT_STICKY");
        is_late = number_from("FAULT_LATE");
        code = (int) number_from("FAULT_CODE");
        counters = map;
}

static bool fails(Class class) {
        if (!counters || class == NO_CLASS)
                return false;
        uint64_t n = __atomic_add_fetch(&counters[class], 1, __ATOMIC_SEQ_CST);
        if ((int) class != failing_class || (is_sticky ? n < fails_at : n != fails_at))
                return false;
        errno = code;
        return true;
}

static int (*real_main)(int argc, char **argv, char **environment);

static int counted_main(int argc, char **argv, char **environment) {
        begin();
        return real_main(argc, argv, environment);
}

typedef int Main(int argc, char **argv, char **environment);
typedef int StartMain(Main *main,
                int argc,
                char **argv,
                void (*init)(void),
                void (*fini)(void),
                void (*rtld_fini)(void),
                void *stack_end);
EXPORT StartMain __libc_start_main; /* NOLINT: libc's name */
int __libc_start_main(Main *main,   /* NOLINT: the same */
                int argc,
                char **argv,
                void (*init)(void),
                void (*fini)(void),
                void (*rtld_fini)(void),
                void *stack_end) {
        StartMain *real = (StartMain *) dlsym(RTLD_NEXT, "__libc_start_main");
        real_main = main;
        return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* Up to eight integers and pointers are handed on as they are, whatever the function is declared
 * as: true of the calling conventions of 64-bit systems. */
typedef long Call(long a, long b, long c, long d, long e, long f, long g, long h);
_Static_assert(sizeof(long) == sizeof(void *), "arguments are handed on as long");

static long call(Call *real, bool is_bad, long bad, const long a[8]) {
        if (!is_bad)
                return real(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
        if (is_late)
                (void) real(a[0], a[1], a[2], a[3], a[4], a[5], a[6],
                                a[7]); /* done, and nobody is told */
        errno = code;
        return bad;
}

static bool is_of(const char *library, void *caller) {
        Dl_info info;
        return dladdr(caller, &info) != 0 && strstr(info.dli_fname, library);
}

/* The function NAME, of the CLASS, which may look at the arguments a to f; BAD is what it returns.
 */
#define FAIL(class, bad, name)                                                                     \
        EXPORT Call fault_##name __asm__(#name);                                                   \
        long fault_##name(long a, long b, long c, long d, long e, long f, long g, long h) {        \
                static Call *real;                                                                 \
                if (!real)                                                                         \
                        real = (Call *) dlsym(RTLD_NEXT, #name);                                   \
                return call(real, fails(class), bad, (const long[]){ a, b, c, d, e, f, g, h });    \
        }

/* libgit2 allocates to tell that it could not, and so on: it can miss one, but not all. */
#define ALLOC_CLASS                                                                                \
        (is_sticky && failing_class == CLASS_ALLOC &&                                              \
                                                        is_of("libgit2", __builtin_return_address( \
                                                                                         0))       \
                                        ? NO_CLASS                                                 \
                                        : CLASS_ALLOC)
FAIL(ALLOC_CLASS, 0, malloc)
FAIL(ALLOC_CLASS, 0, calloc)
FAIL(ALLOC_CLASS, 0, realloc)

FAIL(CLASS_WRITE, -1, write)
FAIL(CLASS_WRITE, -1, pwrite)
FAIL(CLASS_WRITE, -1, pwrite64)
FAIL(CLASS_WRITE, -1, writev)
FAIL(CLASS_WRITE, -1, pwritev64)
FAIL(CLASS_WRITE, -1, copy_file_range)
FAIL(CLASS_WRITE, -1, sendfile)
FAIL(CLASS_WRITE, -1, sendfile64)
FAIL(CLASS_WRITE, -1, ftruncate)
FAIL(CLASS_WRITE, -1, ftruncate64)

FAIL(CLASS_SYNC, -1, fsync)
FAIL(CLASS_SYNC, -1, fdatasync)
FAIL(CLASS_SYNC, -1, syncfs)

FAIL(CLASS_RENAME, -1, rename)
FAIL(CLASS_RENAME, -1, renameat)
FAIL(CLASS_RENAME, -1, renameat2)
FAIL(CLASS_RENAME, -1, unlink)
FAIL(CLASS_RENAME, -1, unlinkat)
FAIL(CLASS_RENAME, -1, rmdir)

#define OPEN_CLASS(flags) ((flags) &O_CREAT ? CLASS_MAKE : CLASS_READ)
FAIL(OPEN_CLASS(b), -1, open)
FAIL(OPEN_CLASS(b), -1, open64)
FAIL(OPEN_CLASS(c), -1, openat)
FAIL(OPEN_CLASS(c), -1, openat64)
FAIL(a == SYS_openat2 ? CLASS_READ : NO_CLASS, -1, syscall)

FAIL(CLASS_MAKE, -1, link)
FAIL(CLASS_MAKE, -1, linkat)
FAIL(CLASS_MAKE, -1, symlink)
FAIL(CLASS_MAKE, -1, symlinkat)
FAIL(CLASS_MAKE, -1, mkdir)
FAIL(CLASS_MAKE, -1, mkdirat)
FAIL(CLASS_MAKE, -1, fchmod)
FAIL(CLASS_MAKE, -1, fchmodat)
FAIL(CLASS_MAKE, -1, fchown)
FAIL(CLASS_MAKE, -1, fchownat)
FAIL(CLASS_MAKE, -1, utimensat)

FAIL(CLASS_READ, -1, read)
FAIL(CLASS_READ, -1, pread64)
FAIL(CLASS_READ, -1, readlink)
FAIL(CLASS_READ, -1, readlinkat)
FAIL(CLASS_READ, -1, statx)
FAIL(CLASS_READ, -1, stat64)
FAIL(CLASS_READ, -1, lstat64)
FAIL(CLASS_READ, -1, fstat64)
FAIL(CLASS_READ, -1, fstatat64)
FAIL(CLASS_READ, -1, fstatfs64)

/* What SQLite asks of itself fails by what is below it. */
#define SQLITE_CLASS (is_of("libsqlite3", __builtin_return_address(0)) ? NO_CLASS : CLASS_SQLITE)
FAIL(SQLITE_CLASS, code, sqlite3_step)
FAIL(SQLITE_CLASS, code, sqlite3_exec)
FAIL(SQLITE_CLASS, code, sqlite3_blob_open)

FAIL(CLASS_BUS, -code, sd_bus_start)
FAIL(CLASS_BUS, -code, sd_bus_add_match)
FAIL(CLASS_BUS, -code, sd_bus_match_signal)
FAIL(CLASS_BUS, -code, sd_bus_call)
FAIL(CLASS_BUS, -code, sd_bus_call_async)
FAIL(CLASS_BUS, -code, sd_bus_send)

/* What others leave where memory is short: the C library, whose locale's loading fails after its
 * character set's name was made; libkmod 30, the configuration that it has read. Called by the leak
 * sanitizer, where there is one. */
const char *__lsan_default_suppressions(void);
EXPORT const char *__lsan_default_suppressions(void) {
        return "leak:_nl_normalize_codeset\nleak:libkmod.so\n";
}

const char *__lsan_default_options(void);
EXPORT const char *__lsan_default_options(void) {
        return "print_suppressions=0";
}
