/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_journal.h"

#include "activate/bundle_read.h"
#include "activate/bytes.h"
#include "activate/errand.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define RUN_DIRECTORY "/run/sysswitch"
#define JOURNALS RUN_DIRECTORY "/activations"

enum { TRY_AGAIN_MSEC = 50 };

static int open_journals(Error *reterr) {
        if ((mkdir(RUN_DIRECTORY, 0700) < 0 && errno != EEXIST) ||
                        (mkdir(JOURNALS, 0700) < 0 && errno != EEXIST))
                return error_set_errno(reterr, -errno, JOURNALS);
        int fd = open(JOURNALS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_set_errno(reterr, -errno, JOURNALS) : fd;
}

int bundle_journal_lock(const char *name, uint64_t timeout_usec, Error *reterr) {
        char lock[80];
        (void) snprintf(lock, sizeof(lock), ".%.64s", name); /* fits */
        cleanup_fd int fd = open_journals(reterr);
        if (fd < 0)
                return fd;
        cleanup_fd int lock_fd = openat(fd, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock_fd < 0)
                return error_set_errno(reterr, -errno, JOURNALS "/%s", lock);
        uint64_t end_usec = now_usec() + timeout_usec;
        while (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK)
                        return error_set_errno(reterr, -errno, JOURNALS "/%s", lock);
                if (now_usec() >= end_usec)
                        return error_set(reterr, -ETIMEDOUT,
                                        "Container %s is still being activated by an earlier "
                                        "reload",
                                        name);
                (void) poll(NULL, 0, TRY_AGAIN_MSEC); /* shorter does no harm */
        }
        return TAKE_FD(lock_fd);
}

static int try_turns(int fd) {
        size_t n_turns = errands_at_once();
        for (size_t i = 0; i < n_turns; i++) {
                char name[32];
                (void) snprintf(name, sizeof(name), "=%zu", i); /* fits */
                cleanup_fd int turn_fd =
                                openat(fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (turn_fd < 0)
                        return -1;
                if (flock(turn_fd, LOCK_EX | LOCK_NB) == 0)
                        return TAKE_FD(turn_fd);
        }
        return -EAGAIN;
}

int bundle_journal_take_turn(uint64_t timeout_usec) {
        cleanup_fd int fd = open_journals(NULL);
        uint64_t end_usec = now_usec() + timeout_usec;
        int turn_fd = fd < 0 ? -1 : try_turns(fd);
        while (turn_fd == -EAGAIN && now_usec() < end_usec) {
                (void) poll(NULL, 0, TRY_AGAIN_MSEC); /* shorter does no harm */
                turn_fd = try_turns(fd);
        }
        return turn_fd < 0 ? -1 : turn_fd;
}

int bundle_journal_write(const char *name, const Manifest *journal, Error *reterr) {
        cleanup_free char *text = NULL;
        char temporary[80];
        cleanup_fd int fd = open_journals(reterr);
        if (fd < 0)
                return fd;
        if (manifest_format(journal, &text) < 0)
                return error_oom(reterr);
        (void) snprintf(temporary, sizeof(temporary), "~%.64s", name); /* fits */
        (void) unlinkat(fd, temporary, 0); /* of one that was interrupted */
        cleanup_fd int file_fd = openat(
                        fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = file_fd < 0 ? -errno : write_bytes(file_fd, text, strlen(text));
        if (r >= 0 && renameat(fd, temporary, fd, name) < 0)
                r = -errno;
        return r < 0 ? error_set_errno(reterr, r, JOURNALS "/%s", name) : 0;
}

int bundle_journal_read(const char *name, Manifest **ret_journal, Error *reterr) {
        cleanup_free char *text = NULL;
        cleanup_fd int fd = open(JOURNALS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, JOURNALS);
        Error error;
        int r = bundle_read_text(fd, name, &text, &error);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = manifest_parse(text, strlen(text), ret_journal);
        else
                return error_set(reterr, r, JOURNALS ": %s", error.message);
        return r < 0 ? error_set_errno(reterr, r, JOURNALS "/%s", name) : r;
}

int bundle_journal_drop(const char *name, Error *reterr) {
        cleanup_fd int fd = open(JOURNALS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, JOURNALS);
        return unlinkat(fd, name, 0) < 0 && errno != ENOENT
                               ? error_set_errno(reterr, -errno, JOURNALS "/%s", name)
                               : 0;
}
