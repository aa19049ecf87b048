/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/connection.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* A manager that reloads answers afterwards, which on a large host takes seconds. A user's manager
 * is that user's program, and must not be able to hold up root for long. */
enum { CALL_TIMEOUT_SEC = 90, USER_CALL_TIMEOUT_SEC = 20, AUTHENTICATE_SEC = 10 };

/* What a re-execution takes is the manager's affair; how often to knock is ours. */
enum { KNOCK_USEC = 10 * 1000 };

static int check_peer(const Systemd *systemd, sd_bus *bus) {
        struct ucred peer;
        socklen_t size = sizeof(peer);
        int fd = sd_bus_get_fd(bus);
        if (fd < 0)
                return fd;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        /* The directory of a user's socket is the user's: what is there may lead anywhere, to the
         * system's manager too. */
        return peer.uid == systemd->uid ? 0 : -EXDEV;
}

static int set_fd(sd_bus *bus, int fd) {
        int r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                (void) close(fd); /* nothing was written */
        return r;
}

/* Takes the descriptor, which only counts where there is no address. */
static int start(Systemd *systemd, int fd) {
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = systemd->address ? sd_bus_set_address(bus, systemd->address) : set_fd(bus, fd);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, systemd->call_timeout_usec);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0 && systemd->address)
                r = check_peer(systemd, bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, systemd->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0) {
                sd_bus_close_unref(bus);
                return r;
        }
        systemd->bus = bus;
        return 0;
}

static int new_systemd(uint32_t uid, bool is_user, Systemd **ret_systemd, Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = calloc(1, sizeof(Systemd));
        if (!systemd)
                return error_oom(reterr);
        systemd->uid = uid;
        systemd->is_user = is_user;
        systemd->call_timeout_usec =
                        (uint64_t) (is_user ? USER_CALL_TIMEOUT_SEC : CALL_TIMEOUT_SEC) * 1000000;
        if (is_user)
                (void) snprintf(systemd->label, sizeof(systemd->label), "systemd of user %u",
                                uid); /* fits */
        else
                (void) snprintf(systemd->label, sizeof(systemd->label), "systemd"); /* fits */
        int r = sd_event_new(&systemd->event);
        if (r < 0)
                return error_set_errno(reterr, r, "Event loop");
        *ret_systemd = TAKE(systemd);
        return 0;
}

int connection_open(const char *address,
                uint32_t uid,
                bool is_user,
                Systemd **ret_systemd,
                Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        int r = new_systemd(uid, is_user, &systemd, reterr);
        if (r < 0)
                return r;
        systemd->address = strdup(address);
        if (!systemd->address)
                return error_oom(reterr);
        r = start(systemd, -1);
        if (r == -EXDEV)
                return error_set(reterr, -EPERM, "%s: what listens at %s is another user's",
                                systemd->label, address);
        if (r == -EPERM || r == -EACCES)
                return error_set(reterr, -EPERM,
                                "%s: its private socket is root's: run this as root",
                                systemd->label);
        if (r < 0)
                return error_set_errno(reterr, r, "Connecting to %s", systemd->label);
        *ret_systemd = TAKE(systemd);
        return 0;
}

/* As for systemctl(1): what would be reached acts on other files. */
static bool is_in_chroot(void) {
        struct stat own, of_systemd;
        return stat("/", &own) == 0 && stat("/proc/1/root/", &of_systemd) == 0 &&
               (own.st_dev != of_systemd.st_dev || own.st_ino != of_systemd.st_ino);
}

bool systemd_is_here(void) {
        return !is_in_chroot() && access("/run/systemd/private", F_OK) == 0;
}

int systemd_connect_system(Systemd **ret_systemd, Error *reterr) {
        if (is_in_chroot())
                return error_set(reterr, -ENOENT, "The systemd that runs has another root");
        return connection_open("unix:path=/run/systemd/private", 0, false, ret_systemd, reterr);
}

int systemd_connect_user(uint32_t uid, Systemd **ret_systemd, Error *reterr) {
        char address[64];
        (void) snprintf(address, sizeof(address), "unix:path=/run/user/%u/systemd/private",
                        uid); /* fits */
        return connection_open(address, uid, true, ret_systemd, reterr);
}

/* Else it is done with the first call, in a time that sd-bus sets. */
static int authenticate(const Systemd *systemd) {
        uint64_t end_usec = now_usec() + AUTHENTICATE_SEC * 1000000ull, now;
        int r;
        while ((r = sd_bus_is_ready(systemd->bus)) == 0) {
                if ((now = now_usec()) >= end_usec)
                        return -ETIMEDOUT;
                r = sd_bus_process(systemd->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(systemd->bus, end_usec - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return r;
}

int systemd_connect_fd(int fd, Systemd **ret_systemd, Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        int r = new_systemd(0, false, &systemd, reterr);
        if (r < 0) {
                (void) close(fd); /* nothing was written */
                return r;
        }
        r = start(systemd, fd);
        if (r >= 0)
                r = authenticate(systemd);
        if (r < 0)
                return error_set_errno(reterr, r, "Connecting to %s", systemd->label);
        *ret_systemd = TAKE(systemd);
        return 0;
}

void systemd_set_untrusted(Systemd *systemd, uint64_t call_timeout_usec) {
        systemd->is_untrusted = true;
        systemd->call_timeout_usec = call_timeout_usec;
        (void) sd_bus_set_method_call_timeout(systemd->bus, call_timeout_usec); /* it is there */
}

Systemd *systemd_close(Systemd *systemd) {
        if (!systemd)
                return NULL;
        sd_bus_close_unref(systemd->bus);
        sd_event_unref(systemd->event);
        free(systemd->address);
        free(systemd);
        return NULL;
}

bool connection_is_lost(const Systemd *systemd) {
        return !systemd->bus || sd_bus_is_open(systemd->bus) <= 0;
}

int connection_restore(Systemd *systemd) {
        if (!systemd->address)
                return -ENOTCONN;
        systemd->bus = sd_bus_close_unref(systemd->bus);
        return start(systemd, -1);
}

int connection_await(Systemd *systemd, uint64_t timeout_usec, Error *reterr) {
        uint64_t end_usec = now_usec() + timeout_usec;
        for (;;) {
                int r = connection_restore(systemd);
                if (r >= 0)
                        return 0;
                if (!systemd->address)
                        return error_set(
                                        reterr, r, "The connection to %s was lost", systemd->label);
                uint64_t now = now_usec();
                if (now >= end_usec)
                        return error_set(reterr, -ETIMEDOUT,
                                        "The connection to %s was lost and could not be made "
                                        "again: %s",
                                        systemd->label, strerror(-r));
                r = connection_turn(systemd, now + KNOCK_USEC);
                if (r < 0)
                        return error_set_errno(reterr, r, "Waiting for %s", systemd->label);
        }
}

int connection_new_call(Systemd *systemd, const char *method, sd_bus_message **ret_call) {
        if (connection_is_lost(systemd))
                return -ENOTCONN;
        return sd_bus_message_new_method_call(systemd->bus, ret_call, MANAGER_NAME, MANAGER_PATH,
                        MANAGER_INTERFACE, method);
}

int connection_new_get(Systemd *systemd,
                const char *object,
                const char *interface,
                const char *property,
                sd_bus_message **ret_call) {
        if (connection_is_lost(systemd))
                return -ENOTCONN;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(
                        systemd->bus, &call, MANAGER_NAME, object, PROPERTIES_INTERFACE, "Get");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", interface, property);
        if (r < 0) {
                sd_bus_message_unref(call);
                return r;
        }
        *ret_call = call;
        return 0;
}

int connection_turn(Systemd *systemd, uint64_t until_usec) {
        uint64_t timeout_usec = UINT64_MAX;
        if (until_usec != UINT64_MAX) {
                uint64_t now = now_usec();
                timeout_usec = until_usec > now ? until_usec - now : 0;
        }
        int r = sd_event_run(systemd->event, timeout_usec);
        return r < 0 ? r : 0;
}

const char *connection_error_text(const sd_bus_error *error) {
        return error->message && *error->message ? error->message : error->name;
}

int connection_fold(const sd_bus_error *error, const char *what, Error *reterr) {
        int code = sd_bus_error_get_errno(error);
        return error_set(reterr, code > 0 ? -code : -EIO, "%s: %s (%s)", what,
                        connection_error_text(error), error->name);
}
