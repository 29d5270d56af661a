/* Fails, tears or kills at one call of a process that writes below a folder. Preloaded in tests.

   IO_UNDER  the folder; calls elsewhere are neither counted nor changed
   IO_CALL   only calls of this name are counted; all by default
   IO_ENDING only calls on files whose names end so; all by default
   IO_LOG    a file elsewhere, to which the name and file of each counted call are appended
   IO_AT     the number of the call that is hit, from 1; 0 hits none
   IO_LAST   the number of the last call that fails; IO_AT by default
   IO_HOW    an error number, or "tear" (half of a write, then kill -9) or "kill" */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counted;

static int below(const char *path) {
    const char *under = getenv("IO_UNDER");
    size_t length = under ? strlen(under) : 0;
    return length && !strncmp(path, under, length) && path[length] == '/';
}

static int wanted(const char *name, const char *path) {
    const char *call = getenv("IO_CALL"), *ending = getenv("IO_ENDING");
    size_t length = strlen(path), end = ending ? strlen(ending) : 0;
    if (call && strcmp(call, name)) return 0;
    return end <= length && !strncmp(path + length - end, ending ? ending : "", end);
}

static void note(const char *name, const char *path, int hit) {
    const char *log = getenv("IO_LOG");
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s%s\n", counted, name, path, hit ? " HIT" : "");
    int file = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    if (file >= 0) {
        syscall(SYS_write, file, line, length);
        syscall(SYS_close, file);
    }
}

/* 0: let it be; -1: fail it, errno is set; otherwise a write of so many bytes, then the end. */
static long judge(const char *name, const char *path, size_t bytes) {
    const char *at = getenv("IO_AT"), *last = getenv("IO_LAST"), *how = getenv("IO_HOW");
    long first = at ? atol(at) : 0, end = last ? atol(last) : first, result = 0;
    if (!below(path) || !wanted(name, path)) return 0;
    pthread_mutex_lock(&lock);
    counted++;
    int hit = first && how && counted >= first && counted <= end;
    note(name, path, hit);
    if (hit) {
        if (!strcmp(how, "kill") || (!strcmp(how, "tear") && bytes < 2)) {
            kill(getpid(), SIGKILL);
            pause();
        }
        result = strcmp(how, "tear") ? -1 : (long)(bytes / 2);
        if (result == -1) errno = atoi(how);
    }
    if (result <= 0) pthread_mutex_unlock(&lock); /* who tears keeps it: nobody writes after */
    return result;
}

static long judge_open(const char *name, int file, size_t bytes) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return judge(name, path, bytes);
}

static void end(void) {
    kill(getpid(), SIGKILL);
    pause();
}

ssize_t write(int file, const void *data, size_t bytes) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");
    long told = judge_open("write", file, bytes);
    if (told < 0) return -1;
    if (told > 0) {
        real(file, data, told);
        end();
    }
    return real(file, data, bytes);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off64_t place) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    long told = judge_open("pwrite", file, bytes);
    if (told < 0) return -1;
    if (told > 0) {
        real(file, data, told, place);
        end();
    }
    return real(file, data, bytes, place);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t place) {
    return pwrite64(file, data, bytes, place);
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    return judge_open("fsync", file, 0) < 0 ? -1 : real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    return judge_open("fdatasync", file, 0) < 0 ? -1 : real(file);
}

int ftruncate64(int file, off64_t length) {
    static int (*real)(int, off64_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "ftruncate64");
    return judge_open("ftruncate", file, 0) < 0 ? -1 : real(file, length);
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    char path[PATH_MAX];
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "rename");
    if (!realpath(from, path)) return real(from, to); /* a relative one is counted all the same */
    return judge("rename", path, 0) < 0 ? -1 : real(from, to);
}
