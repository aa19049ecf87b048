/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Kernel] ExtraModules= and Firmware=: directories of the source whose files lie below /lib.
 *
 *   DIR/VERSION/x/y.ko  of ExtraModules=: modules/VERSION/updates/sysswitch/x/y.ko
 *   DIR/x/y.bin         of Firmware=:     firmware/updates/x/y.bin
 *
 * VERSION is that of a kernel, as uname -r has it, and as make modules_install writes it. */
#include "base/path.h"
#include "diff/kernel.h"
#include "diff/rendering.h"

#include <string.h>

typedef struct Taker {
        const char *key;
        const KernelWord *words;
        size_t n_words;
        int (*place)(Rendering *rendering,
                        const SourceEntry *from,
                        const char *below,
                        Error *reterr);
} Taker;

static bool is_module(const char *name) {
        static const char *const suffixes[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst" };
        size_t length = strlen(name);
        for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
                size_t n = strlen(suffixes[i]);
                if (length > n && strcmp(name + length - n, suffixes[i]) == 0)
                        return true;
        }
        return false;
}

/* What lies beside the modules of a kernel when they were installed into a directory: links to
 * where they were built, and what depmod makes. */
static bool is_by_the_way(const SourceEntry *from, const char *name) {
        return from->kind == SOURCE_DIRECTORY ||
               (from->kind == SOURCE_LINK &&
                               (strcmp(name, "build") == 0 || strcmp(name, "source") == 0)) ||
               (from->kind == SOURCE_FILE && strncmp(name, "modules.", strlen("modules.")) == 0);
}

static int place_at(
                Rendering *rendering, const SourceEntry *from, const char *path, Error *reterr) {
        const char *origin = arena_strdup(&rendering->tree->arena, source_entry_file(from));
        if (!origin || !path)
                return error_oom(reterr);
        return rendering_place_from(rendering, from, ROOT_LIB, path, origin, NULL, reterr);
}

static int place_module(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        size_t length = strcspn(below, "/");
        if (!below[length] && from->kind != SOURCE_DIRECTORY)
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "Is in no kernel's folder; move it into one that is called as "
                                "uname -r of its kernel has it");
        if (!kernel_is_version(below, length))
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "%.*s is no kernel's version; name the folder as uname -r has it",
                                (int) length, below);
        const char *inner = below[length] ? below + length + 1 : NULL;
        if (!inner || is_by_the_way(from, inner))
                return 0;
        if (from->kind != SOURCE_FILE || !is_module(inner))
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "Is no module (NAME.ko, .ko.xz, .ko.zst, .ko.gz); take it out");
        Arena *arena = &rendering->tree->arena;
        return place_at(rendering, from,
                        arena_printf(arena, KERNEL_MODULE_TREES "%.*s" KERNEL_EXTRA_MODULES "%s",
                                        (int) length, below, inner),
                        reterr);
}

static int place_firmware(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        if (from->kind == SOURCE_DIRECTORY)
                return 0;
        return place_at(rendering, from, JOIN(&rendering->tree->arena, KERNEL_FIRMWARE_PATH, below),
                        reterr);
}

enum { EXTRA_MODULES, FIRMWARE, N_TAKERS };

static void takers_of(const Rendering *rendering, Taker ret_takers[N_TAKERS]) {
        const KernelRule *kernel = &rendering->conf->kernel;
        ret_takers[EXTRA_MODULES] = (Taker){ "ExtraModules", kernel->extra_modules,
                kernel->n_extra_modules, place_module };
        ret_takers[FIRMWARE] =
                        (Taker){ "Firmware", kernel->firmware, kernel->n_firmware, place_firmware };
}

/* One directory may lie in another: the longest has what is in it. */
int rendering_place_lib(Rendering *rendering, const SourceEntry *from, Error *reterr) {
        Taker takers[N_TAKERS];
        const Taker *taker = NULL;
        const char *directory = "";
        bool is_way = false;
        takers_of(rendering, takers);
        for (size_t i = 0; i < N_TAKERS; i++)
                for (size_t k = 0; k < takers[i].n_words; k++) {
                        const char *text = takers[i].words[k].text;
                        is_way |= path_is_below(text, from->path);
                        if (!path_is_below(from->path, text) || strlen(text) <= strlen(directory))
                                continue;
                        taker = &takers[i];
                        directory = text;
                }
        if (is_way && from->kind != SOURCE_DIRECTORY)
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "Must be a directory; rename what is there");
        if (is_way || !taker)
                return is_way;
        int r = taker->place(rendering, from, from->path + strlen(directory) + 1, reterr);
        return r < 0 ? r : 1;
}

static bool has(const Taker *taker, const char *directory) {
        for (size_t i = 0; i < taker->n_words; i++)
                if (strcmp(taker->words[i].text, directory) == 0)
                        return true;
        return false;
}

static int check(Rendering *rendering, const Taker *taker, const KernelWord *word, Error *reterr) {
        if (!source_has_below(rendering->source, word->text))
                return rendering_refuse(rendering, "profile.conf", word->line, reterr,
                                "%s=%s: There is no such directory in the source; add it, or take "
                                "the line out",
                                taker->key, word->text);
        return 0;
}

int rendering_check_lib(Rendering *rendering, Error *reterr) {
        Taker takers[N_TAKERS];
        int r = 0;
        takers_of(rendering, takers);
        for (size_t i = 0; i < N_TAKERS; i++)
                for (size_t k = 0; r == 0 && k < takers[i].n_words; k++)
                        r = rendering_go_on(rendering,
                                        check(rendering, &takers[i], &takers[i].words[k], reterr),
                                        reterr);
        const Taker *firmware = &takers[FIRMWARE];
        for (size_t k = 0; r == 0 && k < firmware->n_words; k++)
                if (has(&takers[EXTRA_MODULES], firmware->words[k].text))
                        r = rendering_go_on(rendering,
                                        rendering_refuse(rendering, "profile.conf",
                                                        firmware->words[k].line, reterr,
                                                        "Firmware=%s has modules already "
                                                        "(ExtraModules=); keep them apart",
                                                        firmware->words[k].text),
                                        reterr);
        return r;
}
