/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/stat_cache.h"

#include "state/statement.h"
#include "state/stored_content.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

static_assert(sizeof(CachedFile) == 72, "stored as it is in memory: no padding");

/* The machine that reads it wrote it, but for images that moved: another byte order is another
 * magic. */
typedef struct BlobHeader {
        uint64_t magic;
        uint64_t n_files;
} BlobHeader;

enum {
        GRAIN_NSEC = 20 * 1000 *
                     1000,           /* the kernel stamps files by its tick: 10 ms at the longest */
        WHOLE_SECONDS_GRAIN_SEC = 2, /* for file systems without fractions: vfat has the coarsest */
        MIN_FILES_TO_STORE = 32, /* reading so many again takes less than storing a large cache */
        MAX_SOURCES = 16,        /* caches kept; the oldest goes */
};

static const int64_t NSEC_PER_SEC = 1000 * 1000 * 1000;
static const uint64_t MAGIC = 0x5359535754434131; /* "SYSWTCA1" */

static int64_t timestamp_nsec(const struct statx_timestamp *time) {
        return (int64_t) time->tv_sec * NSEC_PER_SEC + time->tv_nsec;
}

FileStamp file_stamp(const struct statx *status) {
        return (FileStamp){
                .device = (uint64_t) status->stx_dev_major << 32 | status->stx_dev_minor,
                .inode = status->stx_ino,
                .size_bytes = status->stx_size,
                .mtime_nsec = timestamp_nsec(&status->stx_mtime),
                .ctime_nsec = timestamp_nsec(&status->stx_ctime),
        };
}

static int compare_stamps(const void *left, const void *right) {
        return memcmp(left, right, sizeof(FileStamp)); /* any total order will do */
}

const Digest *stat_cache_find(const StatCache *cache, const FileStamp *stamp) {
        if (!cache->n_known)
                return NULL;
        const CachedFile *file = bsearch(
                        stamp, cache->known, cache->n_known, sizeof(CachedFile), compare_stamps);
        return file ? &file->digest : NULL;
}

static bool is_racily_clean(const StatCache *cache, const FileStamp *stamp) {
        bool whole_seconds = stamp->ctime_nsec % NSEC_PER_SEC == 0;
        int64_t grain = whole_seconds ? WHOLE_SECONDS_GRAIN_SEC * NSEC_PER_SEC : GRAIN_NSEC;
        int64_t youngest = stamp->mtime_nsec > stamp->ctime_nsec ? stamp->mtime_nsec
                                                                 : stamp->ctime_nsec;
        return youngest > cache->now_nsec - grain;
}

int stat_cache_note(
                StatCache *cache, const FileStamp *stamp, const Digest *digest, bool was_known) {
        if (is_racily_clean(cache, stamp))
                return 0;
        if (cache->n_files == cache->n_allocated) {
                size_t n = cache->n_allocated ? cache->n_allocated * 2 : 256;
                CachedFile *grown = reallocarray(cache->files, n, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                cache->files = grown;
                cache->n_allocated = n;
        }
        cache->files[cache->n_files++] = (CachedFile){ .stamp = *stamp, .digest = *digest };
        cache->n_read += !was_known;
        return 0;
}

static int take_blob(const Statement *statement, StatCache *cache, Error *reterr) {
        const char *blob = sqlite3_column_blob(statement->handle, 0);
        size_t size = (size_t) sqlite3_column_bytes(statement->handle, 0);
        BlobHeader header;
        if (!blob || size < sizeof(header))
                return 0;
        memcpy(&header, blob, sizeof(header));
        size -= sizeof(header);
        if (header.magic != MAGIC || size % sizeof(CachedFile) ||
                        header.n_files != size / sizeof(CachedFile))
                return 0;
        cache->known = malloc(size + 1);
        if (!cache->known)
                return error_oom(reterr);
        memcpy(cache->known, blob + sizeof(header), size);
        cache->n_known = header.n_files;
        return 0;
}

static int read_blob(Database *database, StatCache *cache, Error *reterr) {
        static const char sql[] = "SELECT data FROM stat_cache WHERE source = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, cache->path);
        r = statement_step(&statement, reterr);
        return r > 0 ? take_blob(&statement, cache, reterr) : r;
}

int stat_cache_load(Database *database, const char *path, StatCache **ret_cache, Error *reterr) {
        cleanup(stat_cache_freep) StatCache *cache = calloc(1, sizeof(*cache));
        if (!cache)
                return error_oom(reterr);
        cache->path = realpath(path, NULL);
        if (!cache->path && errno == ENOENT)
                return error_set(reterr, -ENOENT, "%s: No such directory", path);
        if (!cache->path)
                return error_set_errno(reterr, -errno, "%s", path);
        struct timespec now;
        (void) clock_gettime(CLOCK_REALTIME_COARSE, &now); /* cannot fail for this clock */
        cache->now_nsec = (int64_t) now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
        int r = read_blob(database, cache, reterr);
        if (r < 0)
                return r;
        *ret_cache = TAKE(cache);
        return 0;
}

StatCache *stat_cache_free(StatCache *cache) {
        if (cache) {
                free(cache->path);
                free(cache->known);
                free(cache->files);
                free(cache);
        }
        return NULL;
}

/* Invariant 2. */
static int keep_stored(Database *database, StatCache *cache, Error *reterr) {
        size_t n_kept = 0;
        for (size_t i = 0; i < cache->n_files; i++) {
                int64_t id = 0;
                int r = database_find_content(database, &cache->files[i].digest, &id, reterr);
                if (r < 0)
                        return r;
                if (r > 0)
                        cache->files[n_kept++] = cache->files[i];
        }
        cache->n_files = n_kept;
        return 0;
}

static int write_blob(Database *database,
                const StatCache *cache,
                const void *blob,
                size_t size,
                Error *reterr) {
        static const char sql[] =
                        "INSERT INTO stat_cache (source, stored_usec, data) VALUES (?1, ?2, ?3) "
                        "ON CONFLICT (source) DO UPDATE SET stored_usec = ?2, data = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, cache->path);
        statement_bind_int(&statement, 2, cache->now_nsec / 1000);
        statement_bind_blob(&statement, 3, blob, size);
        return statement_run(&statement, reterr);
}

static int drop_oldest(Database *database, Error *reterr) {
        static const char sql[] = "DELETE FROM stat_cache WHERE id NOT IN "
                                  "(SELECT id FROM stat_cache ORDER BY stored_usec DESC LIMIT ?1)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, MAX_SOURCES);
        return statement_run(&statement, reterr);
}

int stat_cache_store(Database *database, StatCache *cache, Error *reterr) {
        if (cache->n_read == 0 || (cache->n_known > 0 && cache->n_read < MIN_FILES_TO_STORE))
                return 0;
        int r = keep_stored(database, cache, reterr);
        if (r < 0)
                return r;
        if (cache->n_files)
                qsort(cache->files, cache->n_files, sizeof(CachedFile), compare_stamps);
        size_t files_size = cache->n_files * sizeof(CachedFile);
        BlobHeader header = { .magic = MAGIC, .n_files = cache->n_files };
        cleanup_free char *blob = malloc(sizeof(header) + files_size);
        if (!blob)
                return error_oom(reterr);
        memcpy(blob, &header, sizeof(header));
        if (files_size)
                memcpy(blob + sizeof(header), cache->files, files_size);
        r = write_blob(database, cache, blob, sizeof(header) + files_size, reterr);
        if (r >= 0)
                r = drop_oldest(database, reterr);
        return r < 0 ? r : 0;
}
