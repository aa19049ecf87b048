/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/initrds.h"

#include "activate/kernel.h"
#include "activate/module_tree.h"
#include "base/nearest.h"
#include "diff/kernel.h"
#include "state/initrd_record.h"
#include "switch/initrd_image.h"
#include "switch/kernels.h"
#include "switch/output.h"
#include "switch/prepare.h"

#include <errno.h>
#include <string.h>

enum { N_NEAREST = 3 };

/* A name that the profile gives. */
typedef struct Wanted {
        const KernelWord *word;
        const char *setting;
        bool is_loaded;
        bool is_known; /* to some kernel */
        Strv lacking;  /* the kernels that do not have it */
} Wanted;

typedef struct Search {
        Host *host;
        Arena *arena;
        const InitrdsAsk *ask;
        const Tree *tree;
        const ProfileConf *conf; /* of it; NULL: it has no [Kernel] */
        InitrdMaker maker;
        bool judges, makes, is_asked;
        Strv kernels;
        Wanted *wanted;
        size_t n_wanted;
        Strv names; /* of all modules, once something is not known */
        Initrds *initrds;
} Search;

static void wanted_done(Search *search) {
        for (size_t i = 0; i < search->n_wanted; i++)
                strv_done(&search->wanted[i].lacking);
}

static void search_done(Search *search) {
        wanted_done(search);
        strv_done(&search->kernels);
        strv_done(&search->names);
}

static void add_wanted(Search *search, const KernelWord *words, size_t n_words, bool is_loaded) {
        for (size_t i = 0; i < n_words; i++)
                search->wanted[search->n_wanted++] = (Wanted){ .word = &words[i],
                        .setting = is_loaded ? "InitrdModules" : "InitrdAvailableModules",
                        .is_loaded = is_loaded };
}

static int add_all_wanted(Search *search) {
        const KernelRule *rule = search->conf ? &search->conf->kernel : NULL;
        search->wanted = arena_new(search->arena, Wanted,
                        rule ? rule->n_initrd_modules + rule->n_initrd_available + 1 : 1);
        if (!search->wanted)
                return -ENOMEM;
        if (rule) {
                add_wanted(search, rule->initrd_modules, rule->n_initrd_modules, true);
                add_wanted(search, rule->initrd_available, rule->n_initrd_available, false);
        }
        return 0;
}

/* By the name that the profile gives, which the initrd is told; one that is built in it need not
 * load. */
static int note_loaded(
                const ModuleClosure *closure, const char *given, InitrdContained *contained) {
        char name[MODULE_NAME_SIZE];
        kernel_module_name(given, name);
        const Module *module = map_get(&closure->by_name, name);
        return module && module->is_builtin ? 0 : strv_add_unique(&contained->loaded, name);
}

/* The modules that the profile itself brings for a kernel: name -> Entry *. Their file may not be
 * there yet, or be another one than the index that depmod made tells of. */
static int find_own(const Search *search, const char *kernel, Map *ret_own) {
        const char *prefix = arena_printf(search->arena, "modules/%s" KERNEL_EXTRA_MODULES, kernel);
        if (!prefix)
                return -ENOMEM;
        for (size_t i = tree_lower_bound(search->tree, ROOT_LIB, prefix);
                        i < search->tree->n_entries; i++) {
                const Entry *entry = &search->tree->entries[i];
                if (entry->root != ROOT_LIB || strncmp(entry->path, prefix, strlen(prefix)) != 0)
                        break;
                char file[MODULE_NAME_SIZE];
                kernel_module_of_file(entry->path, file);
                if (entry->kind != ENTRY_FILE || !*file)
                        continue;
                char *name = arena_strdup(search->arena, file);
                if (!name)
                        return -ENOMEM;
                if (map_put(ret_own, name, (void *) (uintptr_t) entry) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* "MODULE DIGEST", where it is one of them. */
static int add_file(const Map *own, const char *name, Strv *files) {
        const Entry *entry = map_get(own, name);
        char hex[DIGEST_HEX_SIZE];
        cleanup_free char *file = NULL;
        if (!entry)
                return 0;
        if (asprintf(&file, "%s %.16s", name, digest_to_hex(&entry->content->digest, hex)) < 0)
                return -ENOMEM;
        return strv_add(files, file);
}

/* Makers take what modprobe would, by the name of a module that the kernel has: the one that hides
 * it. What is loaded in an initrd that has the kernel's own stays loaded. */
static int find_hiding(const Search *search,
                const char *kernel,
                const Map *own,
                InitrdContained *contained,
                Error *reterr) {
        cleanup_strv Strv names = { 0 };
        int r = module_tree_hidden(search->host->root_fd, kernel, own, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.n_items; i++) {
                if (strv_has(&contained->modules, names.items[i]))
                        continue;
                r = add_file(own, names.items[i], &contained->hiding);
                if (r < 0)
                        return error_oom(reterr);
        }
        strv_sort(&contained->hiding);
        return r < 0 ? r : 0;
}

static int note_files(const Map *own, InitrdContained *contained) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < contained->modules.n_items; i++)
                r = add_file(own, contained->modules.items[i], &contained->files);
        return r < 0 ? r : 0;
}

static int
add_name(Wanted *wanted, ModuleClosure *closure, const Map *own, InitrdContained *contained) {
        char name[MODULE_NAME_SIZE];
        kernel_module_name(wanted->word->text, name);
        int r = closure->tree ? module_closure_add(closure, wanted->word->text) : 0;
        if (r == 0 && map_get(own, name))
                r = strv_add_unique(&contained->modules, name) < 0 ? -ENOMEM : 1;
        if (r > 0 && wanted->is_loaded && note_loaded(closure, wanted->word->text, contained) < 0)
                return -ENOMEM;
        wanted->is_known |= r > 0;
        return r;
}

/* One that is built in takes no room. */
static int note_module(const Module *module, InitrdContained *contained) {
        if (module->is_builtin)
                return 0;
        int r = strv_add_unique(&contained->modules, module->name);
        if (r > 0 && module->need == MODULE_HARD)
                r = strv_add(&contained->needed, module->name);
        else if (r > 0 && module->need != MODULE_NAMED)
                r = strv_add(&contained->soft, module->name);
        return r;
}

static int add_names(Search *search,
                ModuleClosure *closure,
                const Map *own,
                const char *kernel,
                InitrdContained *contained) {
        for (size_t i = 0; i < search->n_wanted; i++) {
                Wanted *wanted = &search->wanted[i];
                int r = add_name(wanted, closure, own, contained);
                if (r == 0)
                        r = strv_add(&wanted->lacking, kernel);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < closure->n_modules; i++)
                if (note_module(closure->modules[i], contained) < 0)
                        return -ENOMEM;
        strv_sort(&contained->modules);
        strv_sort(&contained->needed);
        strv_sort(&contained->soft);
        return note_files(own, contained);
}

/* Somebody else made the image that is there. */
static int judge_other(Search *search,
                const char *kernel,
                const Initrd *initrd,
                InitrdBefore *before,
                Error *reterr) {
        Search active = *search;
        cleanup(map_donep) Map own = { 0 };
        cleanup(initrd_contained_donep) InitrdContained contained = { .maker = search->maker };
        cleanup(text_donep) Text note = { 0 };
        cleanup(module_tree_freep) ModuleTree *tree = NULL;
        active.tree = search->ask->active;
        active.n_wanted = 0;
        int r = kernels_conf_of(search->host, active.tree, search->arena, &active.conf, reterr);
        if (r >= 0)
                r = module_tree_open(search->host->root_fd, kernel, &tree, reterr);
        if (r < 0 || !active.conf)
                return r == -ENOMEM ? r : 0;
        ModuleClosure closure = { .arena = search->arena, .tree = tree };
        r = add_all_wanted(&active);
        if (r >= 0)
                r = find_own(&active, kernel, &own);
        if (r >= 0)
                r = add_names(&active, &closure, &own, kernel, &contained);
        if (r >= 0)
                r = find_hiding(&active, kernel, &own, &contained, reterr);
        wanted_done(&active);
        module_closure_done(&closure);
        initrd_note(&contained, &note);
        const InitrdTold told = { active.tree, &contained, &own };
        InitrdAge age = r < 0 ? INITRD_AGE_UNKNOWN
                              : initrd_image_age(search->host->root_fd, initrd, &told);
        before->is_outdated = age == INITRD_OLDER && *before->modules;
        before->is_adopted = age == INITRD_YOUNGER;
        if (before->is_adopted)
                before->modules = arena_strdup(search->arena, note.data ? note.data : "");
        return r < 0 || note.error < 0 || !before->modules ? error_oom(reterr) : 0;
}

/* What a switch found is what it goes by, also once it has replaced what the makers are told. */
static int find_before(Search *search,
                const char *kernel,
                const Initrd *initrd,
                InitrdBefore *ret_before,
                Error *reterr) {
        const Initrds *known = search->ask->known;
        Database *database = search->host->database;
        *ret_before = (InitrdBefore){ .kernel = initrd->version, .modules = "" };
        for (size_t i = 0; known && i < known->n_before; i++)
                if (strcmp(known->before[i].kernel, kernel) == 0) {
                        *ret_before = known->before[i];
                        return 0;
                }
        int r = database ? initrd_record_load(database, kernel, search->arena, &ret_before->modules,
                                           reterr)
                         : 0;
        if (r < 0)
                return r;
        bool is_another = !*ret_before->modules || initrd_image_is_another(search->host->root_fd,
                                                                   initrd, ret_before->modules);
        return is_another ? judge_other(search, kernel, initrd, ret_before, reterr) : 0;
}

static bool has_image(const Initrd *initrd) {
        for (size_t i = 0; i < initrd->n_images; i++)
                if (initrd->images[i].is_there)
                        return true;
        return false;
}

static int
take_need(Search *search, const char *kernel, const InitrdContained *contained, Error *reterr) {
        Arena *arena = search->arena;
        Initrds *initrds = search->initrds;
        InitrdNeed *need = &initrds->needs[initrds->n_needs];
        cleanup_strv Strv reasons = { 0 };
        cleanup(text_donep) Text text = { 0 };
        InitrdBefore *before = &initrds->before[initrds->n_before++];
        int r = initrd_find(
                        search->host->root_fd, search->maker, kernel, arena, &need->initrd, reterr);
        if (r >= 0)
                r = find_before(search, kernel, &need->initrd, before, reterr);
        if (r >= 0 && before->is_adopted)
                initrds->adopted[initrds->n_adopted++] =
                                (InitrdNeed){ need->initrd, before->modules };
        if (r < 0 || !search->makes)
                return r;
        initrd_note(contained, &text);
        need->modules = text.error < 0 ? NULL : arena_strdup(arena, text.data ? text.data : "");
        if (!need->modules)
                return error_oom(reterr);
        r = initrd_changes(before->modules, contained, &reasons);
        if (r >= 0 && before->is_outdated)
                r = strv_add(&reasons, "its maker was told otherwise when somebody else ran it");
        bool is_told = initrd_has_told(contained);
        for (size_t i = 0; r >= 0 && is_told && i < need->initrd.n_images; i++)
                if (!need->initrd.images[i].is_there)
                        r = strv_add(&reasons, "there is none");
        const char **copies = arena_new(arena, const char *, reasons.n_items + 1);
        if (r < 0 || !copies)
                return error_oom(reterr);
        for (size_t i = 0; i < reasons.n_items; i++)
                if (!(copies[i] = arena_strdup(arena, reasons.items[i])))
                        return error_oom(reterr);
        initrds->planned[initrds->n_needs] = (PlanInitrd){
                .kernel = need->initrd.version, .reasons = copies, .n_reasons = reasons.n_items
        };
        bool is_boot_without = !is_told && !has_image(&need->initrd);
        initrds->n_needs += reasons.n_items > 0 && need->initrd.n_images > 0 && !is_boot_without;
        return 0;
}

/* The maker's own; kernel-install's are of all kernels. */
static int find_uki(Search *search, const char *kernel, Error *reterr) {
        Initrds *initrds = search->initrds;
        Initrd initrd;
        if (search->maker != INITRD_MKINITCPIO || initrds->uki)
                return 0;
        int r = initrd_find(search->host->root_fd, search->maker, kernel, search->arena, &initrd,
                        reterr);
        if (r < 0 || !initrd.uki)
                return r;
        initrds->uki = arena_printf(search->arena, "default_uki=%s of mkinitcpio", initrd.uki);
        initrds->uki_maker = "mkinitcpio -P";
        return initrds->uki ? 0 : error_oom(reterr);
}

static int look_at_kernel(Search *search, const char *kernel, Error *reterr) {
        cleanup(module_tree_freep) ModuleTree *tree = NULL;
        cleanup(module_closure_donep) ModuleClosure closure = { .arena = search->arena };
        cleanup(initrd_contained_donep) InitrdContained contained = { .maker = search->maker };
        cleanup(map_donep) Map own = { 0 };
        int r = search->n_wanted > 0
                                ? module_tree_open(search->host->root_fd, kernel, &tree, reterr)
                                : 0;
        if (r == -ENOMEM)
                return r; /* another failure: a kernel without modules */
        closure.tree = tree;
        if (find_own(search, kernel, &own) < 0 ||
                        add_names(search, &closure, &own, kernel, &contained) < 0)
                return error_oom(reterr);
        r = find_hiding(search, kernel, &own, &contained, reterr);
        if (r >= 0)
                r = find_uki(search, kernel, reterr);
        return r >= 0 && search->judges ? take_need(search, kernel, &contained, reterr) : r;
}

static int collect_names(Search *search, Error *reterr) {
        if (search->names.n_items > 0)
                return 0;
        for (size_t i = 0; i < search->kernels.n_items; i++) {
                cleanup(module_tree_freep) ModuleTree *tree = NULL;
                int r = module_tree_open(
                                search->host->root_fd, search->kernels.items[i], &tree, reterr);
                if (r == -ENOMEM)
                        return r;
                r = tree ? module_tree_names(tree, &search->names, reterr) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_unmet(Search *search, const Wanted *wanted, Error *reterr) {
        char name[MODULE_NAME_SIZE];
        cleanup_strv Strv nearest = { 0 };
        cleanup(text_donep) Text text = { 0 };
        Arena *arena = search->arena;
        KernelUnmet *unmet = &search->initrds->unmet[search->initrds->n_unmet++];
        int r = collect_names(search, reterr);
        if (r < 0)
                return r;
        kernel_module_name(wanted->word->text, name);
        const char *place = profile_conf_place(arena, search->conf, wanted->word->line);
        if (!place || nearest_names(name, &search->names, N_NEAREST, &nearest) < 0)
                return error_oom(reterr);
        text_addf(&text, "%s: %s=%s: No kernel that is installed has such a module", place,
                        wanted->setting, wanted->word->text);
        for (size_t i = 0; i < search->kernels.n_items; i++)
                text_addf(&text, "%s/lib/modules/%s", i == 0 ? " (" : ", ",
                                search->kernels.items[i]);
        text_add(&text, ")");
        for (size_t i = 0; i < nearest.n_items; i++)
                text_addf(&text, "%s%s", i == 0 ? "; did you mean " : " or ", nearest.items[i]);
        text_add(&text, nearest.n_items > 0 ? "?" : ": take it out");
        *unmet = (KernelUnmet){ .option = wanted->setting,
                .message = text.error < 0 ? NULL : arena_strdup(arena, text.data) };
        return unmet->message ? 0 : error_oom(reterr);
}

static int add_warning(Search *search, const Wanted *wanted, const char *kernel) {
        Arena *arena = search->arena;
        const char *place = profile_conf_place(arena, search->conf, wanted->word->line);
        const char *warning = !place ? NULL
                                     : arena_printf(arena,
                                                       "%s: %s=%s: The kernel %s has no such "
                                                       "module: its initrd comes without",
                                                       place, wanted->setting, wanted->word->text,
                                                       kernel);
        search->initrds->warnings[search->initrds->n_warnings++] = warning;
        return warning ? 0 : -ENOMEM;
}

static int judge_names(Search *search, Error *reterr) {
        Initrds *initrds = search->initrds;
        size_t n_wanted = search->n_wanted;
        initrds->unmet = arena_new(search->arena, KernelUnmet, n_wanted + 1);
        initrds->warnings = arena_new(
                        search->arena, const char *, n_wanted * search->kernels.n_items + 1);
        if (!initrds->unmet || !initrds->warnings)
                return error_oom(reterr);
        for (size_t i = 0; i < n_wanted; i++) {
                const Wanted *wanted = &search->wanted[i];
                if (!wanted->is_known && search->kernels.n_items > 0) {
                        int r = add_unmet(search, wanted, reterr);
                        if (r < 0)
                                return r;
                        continue;
                }
                for (size_t j = 0; j < wanted->lacking.n_items; j++)
                        if (add_warning(search, wanted, wanted->lacking.items[j]) < 0)
                                return error_oom(reterr);
        }
        return 0;
}

static int run_search(Search *search, Error *reterr) {
        Arena *arena = search->arena;
        int r = kernel_list(search->host->root_fd, &search->kernels, reterr);
        if (r < 0)
                return r;
        size_t n = search->kernels.n_items;
        search->initrds->needs = arena_new(arena, InitrdNeed, n + 1);
        search->initrds->planned = arena_new(arena, PlanInitrd, n + 1);
        search->initrds->before = arena_new(arena, InitrdBefore, n + 1);
        search->initrds->adopted = arena_new(arena, InitrdNeed, n + 1);
        if (!search->initrds->needs || !search->initrds->planned || !search->initrds->before ||
                        !search->initrds->adopted || add_all_wanted(search) < 0)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = look_at_kernel(search, search->kernels.items[i], reterr);
        return r < 0 ? r : judge_names(search, reterr);
}

/* 1: there is, was, or may be something of ours in them. */
static int is_concerned(Search *search, Error *reterr) {
        const KernelRule *rule = search->conf ? &search->conf->kernel : NULL;
        Database *database = search->host->database;
        search->is_asked = rule && initrd_is_asked_for(rule);
        if (search->is_asked || (rule && rule->n_extra_modules > 0))
                return 1;
        return database ? initrd_record_is_there(database, reterr) : 0;
}

static bool is_in_uki(const Search *search) {
        return (search->maker == INITRD_DRACUT || search->maker == INITRD_MKINITCPIO) &&
               initrd_is_in_uki(search->host->root_fd);
}

int initrds_find(Host *host,
                const InitrdsAsk *ask,
                Arena *arena,
                Initrds *ret_initrds,
                Error *reterr) {
        Initrds initrds = { 0 };
        Search search = {
                .host = host, .ask = ask, .tree = ask->tree, .arena = arena, .initrds = &initrds
        };
        if (host->is_of_containers)
                return 0;
        int r = kernels_conf_of(host, ask->tree, arena, &search.conf, reterr);
        if (r >= 0)
                r = is_concerned(&search, reterr);
        if (r <= 0)
                return r;
        search.maker = distribution_of(host->distribution).initrd_maker;
        if (is_in_uki(&search)) {
                initrds.uki = "layout=uki of kernel-install";
                initrds.uki_maker = "kernel-install add";
        }
        search.judges = host_has_units(host) && search.maker != INITRD_NO_MAKER &&
                        !is_in_uki(&search);
        search.makes = search.judges && ask->makes;
        r = run_search(&search, reterr);
        initrds.has_no_kernel = search.is_asked && search.kernels.n_items == 0;
        search_done(&search);
        if (r < 0)
                return r;
        initrds.are_made = search.makes;
        initrds.has_no_maker = search.is_asked && search.maker == INITRD_NO_MAKER;
        *ret_initrds = initrds;
        return 0;
}
