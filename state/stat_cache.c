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
        GRAIN_NSEC = 20000000,       /* the kernel stamps files by its tick: 10 ms at the longest */
        WHOLE_SECONDS_GRAIN_SEC = 2, /* for file systems without fractions: vfat has the coarsest */
        MIN_FILES_TO_STORE = 32, /* reading so many again takes less than storing a large cache */
        MAX_SOURCES = 16,        /* caches kept; the oldest goes */
};

static const int64_t NSEC_PER_SEC = 1000000000;
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

const Digest *stat_cache_find(StatCache *cache, const FileStamp *stamp) {
        if (!cache->n_known)
                return NULL;
        const CachedFile *file = bsearch(
                        stamp, cache->known, cache->n_known, sizeof(CachedFile), compare_stamps);
        if (!file)
                return NULL;
        cache->seen[file - cache->known] = true;
        return &file->digest;
}

static bool is_racily_clean(const StatCache *cache, const FileStamp *stamp) {
        bool whole_seconds = stamp->ctime_nsec % NSEC_PER_SEC == 0;
        int64_t grain = whole_seconds ? WHOLE_SECONDS_GRAIN_SEC * NSEC_PER_SEC : GRAIN_NSEC;
        int64_t youngest = stamp->mtime_nsec > stamp->ctime_nsec ? stamp->mtime_nsec
                                                                 : stamp->ctime_nsec;
        return youngest > cache->now_nsec - grain;
}

int stat_cache_note(StatCache *cache, const FileStamp *stamp, const Digest *digest) {
        if (is_racily_clean(cache, stamp))
                return 0;
        if (cache->n_fresh == cache->n_allocated) {
                size_t n = cache->n_allocated ? cache->n_allocated * 2 : 64;
                CachedFile *grown = reallocarray(cache->fresh, n, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                cache->fresh = grown;
                cache->n_allocated = n;
        }
        cache->fresh[cache->n_fresh++] = (CachedFile){ .stamp = *stamp, .digest = *digest };
        return 0;
}

/* Invariant 3: what is not as this version writes it is no cache. */
static int take_blob(StatCache *cache, size_t size, Error *reterr) {
        BlobHeader header;
        if (size < sizeof(header))
                return 0;
        memcpy(&header, cache->blob, sizeof(header));
        size -= sizeof(header);
        if (header.magic != MAGIC || size % sizeof(CachedFile) ||
                        header.n_files != size / sizeof(CachedFile))
                return 0;
        cache->seen = calloc(header.n_files + 1, sizeof(bool));
        if (!cache->seen)
                return error_oom(reterr);
        cache->known = (CachedFile *) (void
                                        *) (cache->blob +
                                            sizeof(header)); /* aligned: the header is 16 bytes */
        cache->n_known = header.n_files;
        return 0;
}

static int read_blob(Database *database, StatCache *cache, sqlite3_blob *blob, Error *reterr) {
        int size = sqlite3_blob_bytes(blob);
        cache->blob = malloc((size_t) size + 1);
        if (!cache->blob)
                return error_oom(reterr);
        int code = sqlite3_blob_read(blob, cache->blob, size, 0);
        return code == SQLITE_OK ? take_blob(cache, (size_t) size, reterr)
                                 : database_fail(database, code, reterr);
}

/* Read as a blob, not as a column: it is large, and is copied once instead of twice. */
static int load_row(Database *database, StatCache *cache, int64_t id, Error *reterr) {
        sqlite3_blob *blob = NULL;
        int code = sqlite3_blob_open(database->handle, "main", "stat_cache", "data", id, 0, &blob);
        if (code != SQLITE_OK)
                return database_fail(database, code, reterr);
        int r = read_blob(database, cache, blob, reterr);
        (void) sqlite3_blob_close(blob); /* it was only read */
        return r;
}

static int load(Database *database, StatCache *cache, Error *reterr) {
        static const char sql[] = "SELECT id FROM stat_cache WHERE source = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, cache->path);
        r = statement_step(&statement, reterr);
        return r > 0 ? load_row(database, cache, statement_int(&statement, 0), reterr) : r;
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
        int r = database ? load(database, cache, reterr) : 0;
        if (r < 0)
                return r;
        *ret_cache = TAKE(cache);
        return 0;
}

StatCache *stat_cache_free(StatCache *cache) {
        if (cache) {
                free(cache->path);
                free(cache->blob);
                free(cache->seen);
                free(cache->fresh);
                free(cache);
        }
        return NULL;
}

/* Copies those of the fresh ones whose contents are stored (invariant 2). */
static int copy_stored(Database *database,
                const StatCache *cache,
                CachedFile *files,
                size_t *n_files,
                Error *reterr) {
        for (size_t i = 0; i < cache->n_fresh; i++) {
                int64_t id = 0;
                int r = database_find_content(database, &cache->fresh[i].digest, &id, reterr);
                if (r < 0)
                        return r;
                if (r > 0)
                        files[(*n_files)++] = cache->fresh[i];
        }
        return 0;
}

static void copy_seen(const StatCache *cache, CachedFile *files, size_t *n_files) {
        for (size_t i = 0; i < cache->n_known; i++)
                if (cache->seen[i])
                        files[(*n_files)++] = cache->known[i];
}

static int write_blob(Database *database,
                const StatCache *cache,
                const void *blob,
                size_t size,
                Error *reterr) {
        static const char sql[] = "INSERT INTO stat_cache (source, stored_usec, data) "
                                  "VALUES (?1, ?2, ?3) ON CONFLICT (source) "
                                  "DO UPDATE SET stored_usec = ?2, data = ?3";
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
        static const char sql[] = "DELETE FROM stat_cache WHERE id NOT IN (SELECT id "
                                  "FROM stat_cache ORDER BY stored_usec DESC LIMIT ?1)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, MAX_SOURCES);
        return statement_run(&statement, reterr);
}

int stat_cache_store(Database *database, StatCache *cache, Error *reterr) {
        if (cache->n_fresh == 0 || (cache->n_known > 0 && cache->n_fresh < MIN_FILES_TO_STORE))
                return 0;
        BlobHeader header = { .magic = MAGIC };
        cleanup_free char *blob = malloc(
                        sizeof(header) + (cache->n_known + cache->n_fresh) * sizeof(CachedFile));
        if (!blob)
                return error_oom(reterr);
        CachedFile *files = (CachedFile *) (void *) (blob + sizeof(header)); /* aligned: the header
                                                                                is 16 bytes */
        size_t n_files = 0;
        copy_seen(cache, files, &n_files);
        int r = copy_stored(database, cache, files, &n_files, reterr);
        if (r < 0)
                return r;
        qsort(files, n_files, sizeof(CachedFile), compare_stamps);
        header.n_files = n_files;
        memcpy(blob, &header, sizeof(header));
        r = write_blob(database, cache, blob, sizeof(header) + n_files * sizeof(CachedFile),
                        reterr);
        if (r >= 0)
                r = drop_oldest(database, reterr);
        return r < 0 ? r : 0;
}
