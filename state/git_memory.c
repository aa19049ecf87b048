/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_memory.h"

#include "base/arena.h"
#include "base/map.h"
#include "state/git_kept.h"

#include <errno.h>
#include <string.h>

struct GitMemory {
        Arena arena;
        char *directory; /* that the repository was looked for from */
        git_repository *repository;
        bool is_trusted; /* what its references mean is in trusted hands */
        Map contents;    /* bytes of an object's id -> Content */
};

GitMemory *git_memory_new(void) {
        GitMemory *memory = calloc(1, sizeof(GitMemory));
        if (memory && !git_begin()) {
                free(memory);
                return NULL;
        }
        return memory;
}

GitMemory *git_memory_free(GitMemory *memory) {
        if (!memory)
                return NULL;
        if (memory->repository)
                git->repository_free(memory->repository);
        git_end();
        free(memory->directory);
        map_done(&memory->contents);
        arena_done(&memory->arena);
        free(memory);
        return NULL;
}

git_repository *git_memory_repository(GitMemory *memory, const char *directory) {
        bool is_it = memory->directory && strcmp(memory->directory, directory) == 0;
        return is_it ? memory->repository : NULL;
}

bool git_memory_keep_repository(
                GitMemory *memory, const char *directory, git_repository *repository) {
        if (memory->repository || !(memory->directory = strdup(directory)))
                return false;
        memory->repository = repository;
        return true;
}

bool git_memory_is_trusted(const GitMemory *memory) {
        return memory->is_trusted;
}

void git_memory_trust(GitMemory *memory) {
        memory->is_trusted = true;
}

Content *git_memory_content(const GitMemory *memory, const git_oid *id) {
        return map_get_n(&memory->contents, (const char *) id, sizeof(*id));
}

int git_memory_keep_content(GitMemory *memory, const git_oid *id, Content *content) {
        const char *key = arena_memdup(&memory->arena, id, sizeof(*id));
        return key ? map_put_n(&memory->contents, key, sizeof(*id), content) : -ENOMEM;
}
