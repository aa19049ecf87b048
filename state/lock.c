/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/lock.h"

#include "base/clock.h"
#include "state/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

static const struct flock whole_file = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

/* A positive number and the space behind it. *text moves on. 0: there is none. */
static long long take_number(const char **text) {
        char *end = NULL;
        errno = 0;
        long long number = strtoll(*text, &end, 10);
        if (errno || number <= 0 || *end != ' ')
                return 0;
        *text = end + 1;
        return number;
}

/* "PID SINCE WHAT", cut where it does not fit; what cannot be read stays empty. */
static void read_holder(int fd, LockHolder *ret_holder) {
        LockHolder holder = { 0 };
        char bytes[256];
        ssize_t size = pread(fd, bytes, sizeof(bytes) - 1, 0);
        bytes[size > 0 ? size : 0] = 0;
        const char *text = bytes;
        long long pid = take_number(&text), since = pid ? take_number(&text) : 0;
        if (since && pid <= INT32_MAX) {
                holder.pid = (int32_t) pid;
                holder.since_usec = (uint64_t) since;
                int length = (int) strcspn(text, "\n");
                (void) snprintf(holder.what, sizeof(holder.what), "%.*s", length, text); /* cut */
        }
        *ret_holder = holder;
}

static int write_holder(int fd, const char *what) {
        char text[256];
        int length = snprintf(text, sizeof(text), "%d %llu %.*s\n", (int) getpid(),
                        (unsigned long long) now_realtime_usec(),
                        (int) sizeof(((LockHolder *) 0)->what) - 1, what);
        if (ftruncate(fd, 0) < 0)
                return -errno;
        ssize_t written = pwrite(fd, text, (size_t) length, 0);
        return written == length ? 0 : written < 0 ? -errno : -EIO;
}

int lock_fail_busy(const LockHolder *holder, Error *reterr) {
        if (!holder->since_usec)
                return error_set(reterr, -EBUSY, "Another switch is at work: wait for it");
        time_t since = (time_t) (holder->since_usec / 1000000);
        struct tm local;
        char when[64] = "?";
        if (localtime_r(&since, &local))
                (void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local); /* fits */
        return error_set(reterr, -EBUSY,
                        "Another switch is at work since %s: %s (process %d): wait for it, or see "
                        "sysswitch log --follow",
                        when, holder->what, (int) holder->pid);
}

int lock_take(const char *directory, const char *what, LockHolder *ret_holder, Error *reterr) {
        int r = place_make(directory, reterr);
        if (r < 0)
                return r;
        cleanup_free char *path = place_path(directory, "lock");
        if (!path)
                return error_oom(reterr);
        cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EACCES)
                return error_set(reterr, -EACCES, "%s: needs root", path);
        if (fd < 0)
                return error_set_errno(reterr, -errno, "%s: cannot be opened", path);
        struct flock lock = whole_file;
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
                if (errno != EAGAIN && errno != EACCES)
                        return error_set_errno(reterr, -errno, "%s: cannot be locked", path);
                LockHolder holder;
                read_holder(fd, &holder);
                if (ret_holder)
                        *ret_holder = holder;
                return lock_fail_busy(&holder, reterr);
        }
        r = write_holder(fd, what);
        if (r < 0)
                return error_set_errno(reterr, r, "%s: cannot be written", path);
        return TAKE_FD(fd);
}

int lock_query(const char *directory, LockHolder *ret_holder, Error *reterr) {
        cleanup_free char *path = place_path(directory, "lock");
        if (!path)
                return error_oom(reterr);
        cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0 && errno == EACCES)
                return error_set(reterr, -EACCES, "%s: needs root", path);
        struct flock lock = whole_file;
        if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0)
                return error_set_errno(reterr, -errno, "%s: cannot be read", path);
        if (lock.l_type == F_UNLCK)
                return 0;
        read_holder(fd, ret_holder);
        return 1;
}
