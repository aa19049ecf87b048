/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/content.h"

#include "base/arena.h"
#include "base/map.h"

#include <errno.h>

/* A buffer that was handed over and is freed with the pool. */
typedef struct OwnedBuffer {
        char *data;
        struct OwnedBuffer *next;
} OwnedBuffer;

struct Contents {
        Arena arena;
        Map by_digest; /* Content * */
        OwnedBuffer *owned;
        ContentLoader loader;
        void *loader_userdata;
};

Contents *contents_new(void) {
        return calloc(1, sizeof(Contents));
}

Contents *contents_free(Contents *contents) {
        if (!contents)
                return NULL;
        for (OwnedBuffer *buffer = contents->owned; buffer; buffer = buffer->next)
                free(buffer->data);
        map_done(&contents->by_digest);
        arena_done(&contents->arena);
        free(contents);
        return NULL;
}

void contents_set_loader(Contents *contents, ContentLoader loader, void *userdata) {
        contents->loader = loader;
        contents->loader_userdata = userdata;
}

int contents_add_known(Contents *contents,
                const Digest *digest,
                size_t size_bytes,
                Content **ret_content,
                Error *reterr) {
        Content *content = map_get_n(&contents->by_digest, (const char *) digest, sizeof(Digest));
        if (!content) {
                content = arena_new(&contents->arena, Content, 1);
                if (!content)
                        return error_oom(reterr);
                content->digest = *digest;
                content->size_bytes = size_bytes;
                if (map_put_n(&contents->by_digest, (const char *) &content->digest, sizeof(Digest),
                                    content) < 0)
                        return error_oom(reterr);
        }
        *ret_content = content;
        return 0;
}

int contents_add(Contents *contents,
                const void *data,
                size_t size_bytes,
                Content **ret_content,
                Error *reterr) {
        Digest digest;
        int r = digest_of(data, size_bytes, &digest);
        if (r < 0)
                return error_set(reterr, r, "Cannot compute a SHA-256 digest");
        Content *content = NULL;
        r = contents_add_known(contents, &digest, size_bytes, &content, reterr);
        if (r < 0)
                return r;
        if (!content->data) {
                content->data = arena_strndup(&contents->arena, size_bytes ? data : "", size_bytes);
                if (!content->data)
                        return error_oom(reterr);
        }
        *ret_content = content;
        return 0;
}

int contents_give_data(Contents *contents, Content *content, char *data, Error *reterr) {
        cleanup_free char *taken = data;
        if (content->data)
                return 0;
        OwnedBuffer *buffer = arena_new(&contents->arena, OwnedBuffer, 1);
        if (!buffer)
                return error_oom(reterr);
        *buffer = (OwnedBuffer){ .data = TAKE(taken), .next = contents->owned };
        contents->owned = buffer;
        content->data = buffer->data;
        return 0;
}

int content_load(Contents *contents, Content *content, Error *reterr) {
        if (content->data)
                return 0;
        if (!contents->loader) /* not by its digest: it may be a secret's */
                return error_set(reterr, -ENODATA, "A content is not at hand");
        char *data = NULL;
        int r = contents->loader(contents->loader_userdata, content, &data, reterr);
        if (r < 0)
                return r;
        return contents_give_data(contents, content, data, reterr);
}

Arena *contents_arena(Contents *contents) {
        return &contents->arena;
}
