/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { OFTEN = 32 };

typedef struct Listing {
        unsigned n_asked;
        bool is_read;
        Map names; /* to an element of kinds */
} Listing;

/* DT_UNKNOWN is not there: some file systems do not tell, and then each is looked at. */
static FoundKind kinds[] = {
        /* as a Map's values are not const */
        [DT_REG] = FOUND_FILE,
        [DT_LNK] = FOUND_LINK,
        [DT_DIR] = FOUND_DIRECTORY,
        [DT_FIFO] = FOUND_OTHER,
        [DT_CHR] = FOUND_OTHER,
        [DT_BLK] = FOUND_OTHER,
        [DT_SOCK] = FOUND_OTHER,
};

void listings_done(Listings *listings) {
        size_t position = 0;
        for (Listing *listing; (listing = map_next(&listings->directories, &position, NULL));)
                map_done(&listing->names);
        map_done(&listings->directories);
        arena_done(&listings->arena);
}

int listings_find(const Listings *listings,
                const char *path,
                size_t length,
                const char *name,
                FoundKind *ret_kind) {
        const Listing *listing = map_get_n(&listings->directories, path, length);
        if (!listing || !listing->is_read)
                return 0;
        const FoundKind *kind = map_get(&listing->names, name);
        if (kind && *kind == FOUND_NOTHING)
                return 0;
        *ret_kind = kind ? *kind : FOUND_NOTHING;
        return 1;
}

static int read_names(DIR *directory, Arena *arena, Map *names) {
        errno = 0;
        for (const struct dirent *child; (child = readdir(directory)); errno = 0) {
                const char *name = arena_strdup(arena, child->d_name);
                size_t type = child->d_type < N_ELEMENTS(kinds) ? child->d_type : DT_UNKNOWN;
                if (!name || map_put(names, name, &kinds[type]) < 0)
                        return -ENOMEM;
        }
        return -errno;
}

static int read_directory(Arena *arena, int dir_fd, Listing *listing) {
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return r;
        }
        int r = read_names(directory, arena, &listing->names);
        (void) closedir(directory); /* nothing was written */
        listing->is_read = r >= 0;
        return r;
}

int listings_note(Listings *listings, const char *path, size_t length, int dir_fd) {
        Listing *listing = map_get_n(&listings->directories, path, length);
        if (!listing) {
                listing = arena_new(&listings->arena, Listing, 1);
                if (!listing || map_put_n(&listings->directories, path, length, listing) < 0)
                        return -ENOMEM;
        }
        if (++listing->n_asked != OFTEN)
                return 0;
        int r = read_directory(&listings->arena, dir_fd, listing);
        return r == -EACCES ? 0 : r; /* not to be listed: each is looked at */
}
