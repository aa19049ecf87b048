/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_look.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void container_look_done(ContainerLook *look) {
        strv_done(&look->addresses);
        *look = (ContainerLook){ 0 };
}

/* As systemd-machined keeps it. */
static int read_machine(const char *name, ContainerLook *look, Error *reterr) {
        char path[128], line[512];
        (void) snprintf(path, sizeof(path), "/run/systemd/machines/%.64s", name); /* fits */
        cleanup_file FILE *file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, "%s", path);
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "LEADER=", 7) == 0)
                        look->leader = (pid_t) strtol(line + 7, NULL, 10);
                else if (strncmp(line, "REALTIME=", 9) == 0)
                        look->since_usec = strtoull(line + 9, NULL, 10);
        return look->leader > 1;
}

static int note_address(ContainerLook *look, const struct ifaddrs *each) {
        char text[INET6_ADDRSTRLEN];
        const void *bytes = NULL;
        if (!each->ifa_addr || (each->ifa_flags & IFF_LOOPBACK))
                return 0;
        if (each->ifa_addr->sa_family == AF_INET)
                bytes = &((const struct sockaddr_in *) (const void *) each->ifa_addr)->sin_addr;
        if (each->ifa_addr->sa_family == AF_INET6)
                bytes = &((const struct sockaddr_in6 *) (const void *) each->ifa_addr)->sin6_addr;
        if (!bytes || (each->ifa_addr->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(bytes)))
                return 0;
        if (!inet_ntop(each->ifa_addr->sa_family, bytes, text, sizeof(text)))
                return 0; /* it has room */
        return strv_add(&look->addresses, text);
}

static int read_addresses(ContainerLook *look) {
        struct ifaddrs *all = NULL;
        if (getifaddrs(&all) < 0)
                return -errno;
        int r = 0;
        for (const struct ifaddrs *each = all; r >= 0 && each; each = each->ifa_next)
                r = note_address(look, each);
        freeifaddrs(all);
        return r;
}

/* In its network, for as long as that takes. */
static int look_at_network(ContainerLook *look, Error *reterr) {
        char path[64];
        struct stat own, other;
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/net", (int) look->leader); /* fits */
        cleanup_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        cleanup_fd int there = open(path, O_RDONLY | O_CLOEXEC);
        if (here < 0 || there < 0 || fstat(here, &own) < 0 || fstat(there, &other) < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        look->shares_network = own.st_ino == other.st_ino && own.st_dev == other.st_dev;
        if (look->shares_network)
                return 0;
        if (setns(there, CLONE_NEWNET) < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        int r = read_addresses(look);
        if (setns(here, CLONE_NEWNET) < 0)
                abort(); /* what follows would be done in the container's network */
        return r < 0 ? error_set_errno(reterr, r, "Addresses") : 0;
}

int container_look(const char *name, ContainerLook *ret_look, Error *reterr) {
        ContainerLook look = { 0 };
        Error error;
        int r = read_machine(name, &look, reterr);
        if (r > 0 && look_at_network(&look, &error) < 0) {
                container_look_done(&look); /* it went away, or is just coming */
                if (error.code == -EPERM)
                        return error_set(reterr, error.code, "%s", error.message);
        }
        if (r < 0)
                return r;
        *ret_look = look;
        return 0;
}
