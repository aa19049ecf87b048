/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/kernels.h"

#include "activate/booted.h"
#include "diff/kernel.h"
#include "state/generation.h"
#include "switch/loaded_modules.h"
#include "switch/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int kernels_conf_of(const Host *host,
                const Tree *tree,
                Arena *arena,
                const ProfileConf **ret_conf,
                Error *reterr) {
        const Entry *entry = tree_find(tree, ROOT_PROFILE, "profile.conf");
        const ProfileConf *conf = NULL;
        int r = entry ? profile_conf_parse(arena, "profile.conf", host->contents, entry->content,
                                        &conf, reterr)
                      : 0;
        if (r < 0)
                return r;
        *ret_conf = conf && conf->kernel.line ? conf : NULL;
        return 0;
}

typedef struct Finding {
        const Host *host;
        const ReferenceTree *target;
        const ProfileConf *conf;
        Arena *arena;
        KernelUnmet *unmet;
        size_t n_unmet;
} Finding;

static int find_in(Finding *finding, const char *version, bool is_running, Error *reterr) {
        KernelConfig config;
        KernelUnmet *unmet = NULL;
        size_t n_unmet = 0;
        const KernelRule *rule = &finding->conf->kernel;
        if (rule->only_own_requirements && rule->n_requirements == 0)
                return 0;
        int r = kernel_config_read(finding->host->root_fd, version, is_running, finding->arena,
                        &config, reterr);
        if (r < 0)
                return r;
        if (kernel_require_check(finding->conf, &config, finding->arena, &unmet, &n_unmet) < 0)
                return error_oom(reterr);
        if (!config.text && rule->missing_is_warned) {
                if (n_unmet > 0)
                        reference_warn(finding->target, unmet->message);
                return 0;
        }
        KernelUnmet *grown = arena_grow(finding->arena, finding->unmet, finding->n_unmet,
                        finding->n_unmet + n_unmet + 1, sizeof(KernelUnmet));
        if (!grown)
                return error_oom(reterr);
        if (n_unmet > 0)
                memcpy(grown + finding->n_unmet, unmet, n_unmet * sizeof(KernelUnmet));
        finding->unmet = grown;
        finding->n_unmet += n_unmet;
        return 0;
}

int kernels_find_missing(const Host *host,
                const ProfileConf *conf,
                Arena *arena,
                const char **ret_message,
                Error *reterr) {
        const KernelRule *rule = &conf->kernel;
        *ret_message = NULL;
        if (!rule->version || kernel_is_installed(host->root_fd, rule->version))
                return 0;
        const char *place = profile_conf_place(arena, conf, rule->version_line);
        if (place)
                *ret_message = arena_printf(arena,
                                "%s: Version=%s: No such kernel is installed (/boot/vmlinuz-%s, "
                                "/lib/modules/%s/vmlinuz): install it, or name another one",
                                place, rule->version, rule->version, rule->version);
        return *ret_message ? 0 : error_oom(reterr);
}

static int look_for(Finding *finding, Error *reterr) {
        const char *message;
        int r = kernels_find_missing(
                        finding->host, finding->conf, finding->arena, &message, reterr);
        if (r < 0 || !message)
                return r;
        finding->unmet = arena_new(finding->arena, KernelUnmet, 1);
        if (!finding->unmet)
                return error_oom(reterr);
        *finding->unmet = (KernelUnmet){ .option = "Version", .message = message };
        finding->n_unmet = 1;
        return 0;
}

int kernels_find_unmet(const Host *host,
                const ReferenceTree *target,
                const ProfileConf *conf,
                bool only_next,
                Arena *arena,
                KernelUnmet **ret_unmet,
                size_t *ret_n_unmet,
                Error *reterr) {
        Finding finding = { .host = host, .target = target, .conf = conf, .arena = arena };
        RunningKernel kernel = { 0 };
        const char *next = conf->kernel.version;
        int r = next ? look_for(&finding, reterr)
                     : kernel_next_version(host->root_fd, arena, &next, reterr);
        if (r >= 0 && !host->is_image)
                r = kernel_running(arena, &kernel, reterr);
        const char *running = kernel.version;
        bool is_same = running && next && strcmp(running, next) == 0;
        if (r >= 0 && running && (!only_next || !next || is_same))
                r = find_in(&finding, running, true, reterr);
        if (r >= 0 && next && !is_same &&
                        (!conf->kernel.version || kernel_is_installed(host->root_fd, next)))
                r = find_in(&finding, next, false, reterr);
        if (r < 0)
                return r;
        *ret_unmet = finding.unmet;
        *ret_n_unmet = finding.n_unmet;
        return 0;
}

void kernel_pending_done(KernelPending *pending) {
        free(pending->version);
        strv_done(&pending->words);
        strv_done(&pending->modules);
        strv_done(&pending->replaced);
}

static int find_words(const Host *host,
                const ProfileConf *conf,
                Arena *arena,
                KernelPending *pending,
                Error *reterr) {
        RunningKernel running;
        if (!conf)
                return 0;
        int r = kernel_running(arena, &running, reterr);
        if (r < 0)
                return r;
        const char *line = running.command_line, *version = conf->kernel.version;
        if (line && kernel_missing_words(&conf->kernel, line, &pending->words) < 0)
                return error_oom(reterr);
        bool is_another = version && strcmp(version, running.version) != 0;
        if (is_another && !(pending->version = strdup(version)))
                return error_oom(reterr);
        pending->is_missing = is_another && !kernel_is_installed(host->root_fd, version);
        return 0;
}

static bool names_module(const ProfileConf *conf, const char *module) {
        for (size_t i = 0; conf && i < conf->kernel.n_modules; i++)
                if (kernel_same_module(conf->kernel.modules[i].text, module))
                        return true;
        return false;
}

static int find_modules(Host *host,
                const ProfileConf *conf,
                Arena *arena,
                KernelPending *pending,
                Error *reterr) {
        const char *loaded = NULL;
        Booted booted;
        cleanup_strv Strv texts = { 0 }, names = { 0 };
        int r = kernel_loaded_modules(arena, &loaded, reterr);
        if (r < 0 || !loaded || !host->database)
                return r;
        r = booted_read(&booted, reterr);
        if (r >= 0)
                r = generation_texts_since(host->database, host->profile_name, KERNEL_MODULES_PATH,
                                booted.began_usec, &texts, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < texts.n_items; i++)
                r = kernel_modules_in(texts.items[i], &names);
        for (size_t i = 0; r >= 0 && i < names.n_items; i++)
                if (!names_module(conf, names.items[i]) &&
                                kernel_module_is_loaded(loaded, names.items[i]))
                        r = strv_add_unique(&pending->modules, names.items[i]);
        return r < 0 ? error_oom(reterr) : 0;
}

int kernels_find_pending(Host *host, const Tree *tree, KernelPending *ret_pending, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        const ProfileConf *conf = NULL;
        if (host->is_image)
                return 0;
        int r = kernels_conf_of(host, tree, &arena, &conf, reterr);
        if (r >= 0)
                r = find_words(host, conf, &arena, ret_pending, reterr);
        if (r >= 0)
                r = find_modules(host, conf, &arena, ret_pending, reterr);
        if (r >= 0)
                r = loaded_modules_find(host, tree, &ret_pending->replaced, reterr);
        return r;
}
