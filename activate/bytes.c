/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bytes.h"

#include <errno.h>

ssize_t read_bytes(int fd, char *data, size_t size_bytes) {
        size_t done = 0;
        while (done < size_bytes) {
                ssize_t n = read(fd, data + done, size_bytes - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        return (ssize_t) done;
}

int write_bytes(int fd, const char *data, size_t size_bytes) {
        while (size_bytes > 0) {
                ssize_t n = write(fd, data, size_bytes);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size_bytes -= (size_t) n;
        }
        return 0;
}
