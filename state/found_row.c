/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/found_row.h"

#include "state/stored_content.h"

#include <errno.h>
#include <string.h>

static const char *const kinds[] = {
        [FOUND_FILE] = "file",
        [FOUND_LINK] = "link",
        [FOUND_DIRECTORY] = "directory",
};

static const char *kind_to_string(FoundKind kind) {
        return (size_t) kind < N_ELEMENTS(kinds) ? kinds[kind] : NULL;
}

static FoundKind kind_from_string(const char *text) {
        for (size_t i = 0; text && i < N_ELEMENTS(kinds); i++)
                if (kinds[i] && strcmp(kinds[i], text) == 0)
                        return (FoundKind) i;
        return FOUND_NOTHING;
}

int found_store_content(Database *database,
                Contents *contents,
                const Found *found,
                int64_t *ret_id,
                Error *reterr) {
        bool is_whole = (found->kind == FOUND_FILE) == (found->content != NULL) &&
                        (found->kind == FOUND_LINK) == (found->target != NULL);
        if (!kind_to_string(found->kind) || !is_whole)
                return error_set(reterr, -EINVAL,
                                "%s: cannot be kept: it is no file, link or directory, or was not "
                                "read",
                                found->path);
        *ret_id = 0;
        return found->content ? database_store_content(
                                                database, contents, found->content, ret_id, reterr)
                              : 0;
}

void found_bind(Statement *statement, int first, const Found *found, int64_t content) {
        statement_bind_text(statement, first, kind_to_string(found->kind));
        statement_bind_int(statement, first + 1, found->mode);
        statement_bind_int(statement, first + 2, found->uid);
        statement_bind_int(statement, first + 3, found->gid);
        statement_bind_int(statement, first + 4, found->mtime_nsec);
        if (found->content)
                statement_bind_int(statement, first + 5, content);
        statement_bind_text(statement, first + 6, found->target);
        statement_bind_blob(statement, first + 7, found->xattrs, found->xattrs_size_bytes);
}

enum {
        COLUMN_ROOT,
        COLUMN_PATH,
        COLUMN_KIND,
        COLUMN_MODE,
        COLUMN_UID,
        COLUMN_GID,
        COLUMN_MTIME,
        COLUMN_DIGEST,
        COLUMN_SIZE,
        COLUMN_TARGET,
        COLUMN_XATTRS,
};

static int read_content(
                const Statement *statement, Contents *contents, Found *found, Error *reterr) {
        const void *bytes = sqlite3_column_blob(statement->handle, COLUMN_DIGEST);
        Digest digest;
        if (!bytes || sqlite3_column_bytes(statement->handle, COLUMN_DIGEST) !=
                                        (int) sizeof(digest))
                return database_fail_damaged(statement->database, "a content is missing", reterr);
        memcpy(&digest, bytes, sizeof(digest));
        found->size_bytes = (uint64_t) statement_int(statement, COLUMN_SIZE);
        return contents_add_known(
                        contents, &digest, (size_t) found->size_bytes, &found->content, reterr);
}

static int read_xattrs(const Statement *statement, Arena *arena, Found *found, Error *reterr) {
        const void *bytes = sqlite3_column_blob(statement->handle, COLUMN_XATTRS);
        int size = sqlite3_column_bytes(statement->handle, COLUMN_XATTRS);
        if (!bytes || size <= 0)
                return 0;
        found->xattrs = arena_memdup(arena, bytes, (size_t) size);
        found->xattrs_size_bytes = (size_t) size;
        return found->xattrs ? 0 : error_oom(reterr);
}

int found_read(const Statement *statement,
                Contents *contents,
                Arena *arena,
                EntryRoot *ret_root,
                Found *ret_found,
                Error *reterr) {
        int64_t root = statement_int(statement, COLUMN_ROOT);
        Found found = {
                .kind = kind_from_string(statement_text(statement, COLUMN_KIND)),
                .mode = (uint16_t) statement_int(statement, COLUMN_MODE),
                .uid = (uint32_t) statement_int(statement, COLUMN_UID),
                .gid = (uint32_t) statement_int(statement, COLUMN_GID),
                .mtime_nsec = statement_int(statement, COLUMN_MTIME),
        };
        if (found.kind == FOUND_NOTHING || root < 0 || root >= N_ENTRY_ROOTS)
                return database_fail_damaged(
                                statement->database, "a kept file of an unknown kind", reterr);
        int r = statement_text_keep(statement, COLUMN_PATH, arena, &found.path, reterr);
        if (r >= 0)
                r = statement_text_keep(statement, COLUMN_TARGET, arena, &found.target, reterr);
        if (r >= 0)
                r = read_xattrs(statement, arena, &found, reterr);
        if (r >= 0 && found.kind == FOUND_FILE)
                r = read_content(statement, contents, &found, reterr);
        if (r < 0)
                return r;
        *ret_root = (EntryRoot) root;
        *ret_found = found;
        return 0;
}
