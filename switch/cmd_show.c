/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "state/displaced.h"
#include "state/entry_layer.h"
#include "state/generation.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/output.h"
#include "switch/reference.h"

#include <errno.h>
#include <string.h>

typedef struct Show {
        const Options *options;
        Host *host;
        Output output;
        Arena arena;
} Show;

static int print_bytes(const Show *show, const char *data, size_t size_bytes, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        text_add_n(&text, data, size_bytes);
        return output_show(&show->output, &text, reterr);
}

static int print_content(const Show *show, Content *content, Error *reterr) {
        int r = content_load(show->host->contents, content, reterr);
        return r < 0 ? r : print_bytes(show, content->data, content->size_bytes, reterr);
}

static int print_target(const Show *show, const char *target, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "%s\n", target);
        return output_show(&show->output, &text, reterr);
}

/* saved:ID */

static const char *const found_kinds[] = { [FOUND_NOTHING] = "nothing",
        [FOUND_FILE] = "file",
        [FOUND_LINK] = "link",
        [FOUND_DIRECTORY] = "directory",
        [FOUND_OTHER] = "other",
        [FOUND_MOUNT_POINT] = "mount point",
        [FOUND_BLOCKED] = "blocked" };

static int show_saved_file(Show *show, const char *argument, Error *reterr) {
        char *end;
        errno = 0;
        long long id = strtoll(argument, &end, 10);
        if (end == argument || *end || errno)
                return error_set(reterr, USAGE_ERROR, "saved:%s: Not the number of a saved file",
                                argument);
        if (!show->host->database)
                return error_set(reterr, -ENOENT, "saved:%s: Nothing was switched here yet",
                                argument);
        SavedFile file;
        int r = saved_get(show->host->database, id, show->host->contents, &show->arena, &file,
                        reterr);
        if (r < 0)
                return r;
        if (file.found.kind == FOUND_LINK)
                return print_target(show, file.found.target, reterr);
        if (file.found.kind != FOUND_FILE)
                return error_set(reterr, -EISDIR, "saved:%s: A %s has no contents", argument,
                                found_kinds[file.found.kind]);
        return print_content(show, file.found.content, reterr);
}

static int print_saved_table(
                const Show *show, const SavedFile *files, size_t n_files, Error *reterr) {
        static const char *const headings[] = { "SAVED", "DATE", "SWITCH", "MODE", "SIZE", "PATH" };
        cleanup(table_donep) Table table = { .n_columns = N_ELEMENTS(headings) };
        for (size_t i = 0; n_files > 0 && i < N_ELEMENTS(headings); i++)
                table_add(&table, STYLE_BOLD, headings[i]);
        for (size_t i = 0; i < n_files; i++) {
                cleanup(text_donep) Text saved = { 0 }, path = { 0 };
                text_add_time(&saved, files[i].saved_usec);
                text_add_name(&path, entry_root_prefix(files[i].root), files[i].found.path);
                if (saved.error < 0 || path.error < 0)
                        return error_oom(reterr);
                table_addf(&table, STYLE_NONE, "saved:%lld", (long long) files[i].id);
                table_add(&table, STYLE_NONE, saved.data);
                table_addf(&table, STYLE_NONE, "%lld", (long long) files[i].switch_id);
                table_addf(&table, STYLE_NONE, "%04o", files[i].found.mode);
                table_addf(&table, STYLE_NONE, "%llu",
                                (unsigned long long) files[i].found.size_bytes);
                table_add(&table, STYLE_NONE, path.data);
        }
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &show->output, 0, &text);
        return output_show(&show->output, &text, reterr);
}

static int print_saved_json(const SavedFile *files, size_t n_files, Error *reterr) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_files; i++) {
                const Found *found = &files[i].found;
                char mode[8];
                (void) snprintf(mode, sizeof(mode), "%04o", found->mode & 07777u);
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "saved", json_integer(files[i].id));
                failed |= json_object_set_new(entry, "time", json_time(files[i].saved_usec));
                failed |= json_object_set_new(entry, "switch", json_integer(files[i].switch_id));
                failed |= json_object_set_new(
                                entry, "path", json_entry_path(files[i].root, found->path));
                failed |= json_object_set_new(entry, "kind", json_text(found_kinds[found->kind]));
                failed |= json_object_set_new(entry, "mode", json_text(mode));
                failed |= json_object_set_new(entry, "uid", json_integer(found->uid));
                failed |= json_object_set_new(entry, "gid", json_integer(found->gid));
                failed |= json_object_set_new(
                                entry, "size", json_integer((json_int_t) found->size_bytes));
                failed |= json_object_set_new(entry, "secret", json_boolean(files[i].secret));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return json_print_list("saved", array, reterr);
        json_decref(array);
        return error_oom(reterr);
}

static int show_saved_list(Show *show, Error *reterr) {
        SavedFile *files = NULL;
        size_t n_files = 0;
        if (show->host->database) {
                int r = saved_list(show->host->database, show->host->profile_name,
                                show->host->contents, &show->arena, &files, &n_files, reterr);
                if (r < 0)
                        return r;
        }
        if (option_is_given(show->options, OPTION_JSON))
                return print_saved_json(files, n_files, reterr);
        return print_saved_table(show, files, n_files, reterr);
}

/* REF:PATH */

static int split_path(const char *path, EntryRoot *ret_root, const char **ret_path, Error *reterr) {
        static const struct {
                const char *prefix;
                EntryRoot root;
        } prefixes[] = { { "/etc/", ROOT_ETC }, { "etc/", ROOT_ETC }, { "hooks/", ROOT_HOOKS },
                { "containers/", ROOT_CONTAINERS }, { "/lib/", ROOT_LIB }, { "lib/", ROOT_LIB } };
        for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
                size_t length = strlen(prefixes[i].prefix);
                if (strncmp(path, prefixes[i].prefix, length) != 0)
                        continue;
                *ret_root = prefixes[i].root;
                *ret_path = path + length;
                return 0;
        }
        static const char units[] = "units/"; /* of a source: here they have their place */
        if (strncmp(path, units, strlen(units)) == 0)
                return error_set(reterr, USAGE_ERROR,
                                "%s: Not a path of a generation: did you mean "
                                "etc/systemd/system/%s?",
                                path, path + strlen(units));
        if (strcmp(path, "profile.conf") != 0)
                return error_set(reterr, USAGE_ERROR,
                                "%s: Not a path of a generation (etc/..., hooks/..., "
                                "containers/..., lib/..., profile.conf)",
                                path);
        *ret_root = ROOT_PROFILE;
        *ret_path = path;
        return 0;
}

static int show_file(Show *show, const char *reference, const char *path, Error *reterr) {
        EntryRoot root = ROOT_ETC;
        const char *inner = NULL;
        int r = split_path(path, &root, &inner, reterr);
        if (r < 0)
                return r;
        cleanup(reference_tree_donep) ReferenceTree tree = { .number = -1 };
        r = reference_read(show->host, reference, true, &tree, reterr);
        if (r < 0)
                return r;
        const Entry *entry = tree_find(tree.tree, root, inner);
        if (!entry || entry->kind == ENTRY_ABSENT)
                return error_set(reterr, -ENOENT, "%s: No such file in %s", path, reference);
        if (entry->secret)
                return error_set(reterr, -EACCES, "%s: Is a secret: its contents are not shown",
                                path);
        if (entry->kind == ENTRY_LINK)
                return print_target(show, entry->target, reterr);
        if (entry->kind == ENTRY_DIRECTORY)
                return error_set(reterr, -EISDIR, "%s: Is a directory", path);
        return print_content(show, entry->content, reterr);
}

/* REF */

/* A file of the source, or, of a generation, the layer that it was in. */
static const char *origin_of(const Entry *entry) {
        return entry->origin ? entry->origin : entry->layer ? entry->layer : "";
}

static int add_entry_row(const Show *show, Table *table, const Entry *entry, Error *reterr) {
        const Output *output = &show->output;
        cleanup(text_donep) Text path = { 0 };
        text_add_name(&path, entry_root_prefix(entry->root), entry->path);
        if (entry->kind == ENTRY_LINK) {
                text_add(&path, output->ascii ? " -> " : " → ");
                text_add_name(&path, "", entry->target);
        }
        if (entry->secret)
                text_add(&path, " (secret)");
        if (path.error < 0)
                return error_oom(reterr);
        if (option_is_given(show->options, OPTION_ORIGIN))
                table_add(table, STYLE_NONE, origin_of(entry));
        table_add(table, STYLE_NONE, entry_kind_to_string(entry->kind));
        if (entry->kind == ENTRY_FILE || entry->kind == ENTRY_DIRECTORY)
                table_addf(table, STYLE_NONE, "%04o", entry->mode);
        else
                table_add(table, STYLE_NONE, "");
        if (entry->kind == ENTRY_ABSENT)
                table_add(table, STYLE_NONE, "");
        else
                table_addf(table, STYLE_NONE, "%s:%s", entry->owner, entry->group);
        if (entry->kind == ENTRY_FILE)
                table_addf(table, STYLE_NONE, "%zu", entry->content->size_bytes);
        else
                table_add(table, STYLE_NONE, "");
        table_add(table, STYLE_NONE, path.data);
        return 0;
}

static bool is_listed(const Show *show, const Entry *entry) {
        return !(entry->kind == ENTRY_DIRECTORY && entry->implied) ||
               option_is_given(show->options, OPTION_VERBOSE);
}

static int add_entries(const Show *show, const Tree *tree, Text *text, Error *reterr) {
        bool has_origin = option_is_given(show->options, OPTION_ORIGIN);
        cleanup(table_donep) Table table = { .n_columns = has_origin ? 6 : 5 };
        for (size_t i = 0; i < tree->n_entries; i++) {
                if (!is_listed(show, &tree->entries[i]))
                        continue;
                int r = add_entry_row(show, &table, &tree->entries[i], reterr);
                if (r < 0)
                        return r;
        }
        if (table.n_cells > 0)
                text_add(text, "\n");
        table_to_text(&table, &show->output, 0, text);
        return 0;
}

static void
add_facts(const Show *show, const ReferenceTree *tree, const Generation *generation, Text *text) {
        text_addf(text, "%sGeneration %lld%s of %s", style_begin(&show->output, STYLE_BOLD),
                        (long long) tree->number, style_end(&show->output, STYLE_BOLD),
                        tree->profile);
        const Profile *profile = &show->host->profile;
        if (strcmp(tree->profile, profile->name) == 0)
                text_addf(text, "%s%s", tree->number == profile->active ? ", active" : "",
                                tree->number == profile->default_number ? ", default" : "");
        text_add(text, "\n");
        if (!generation) {
                text_add(text, "The host as found: nothing is managed.\n");
                return;
        }
        text_add(text, "Date:         ");
        text_add_time(text, generation->created_usec);
        text_addf(text, "\nUser:         %s\n", generation->user ? generation->user : "unknown");
        if (generation->origin.path) {
                text_add(text, "Source:       ");
                text_add_name(text, "", generation->origin.path);
                text_add(text, "\n");
        }
        if (generation->origin.commit) {
                text_addf(text, "Commit:       %s%s\n              ", generation->origin.commit,
                                generation->origin.is_dirty ? " and changes on top of it" : "");
                text_add_line(text, generation->origin.subject ? generation->origin.subject : "");
                text_addf(text, " (%s, ",
                                generation->origin.author ? generation->origin.author : "unknown");
                text_add_time(text, (uint64_t) generation->origin.commit_time * 1000000);
                text_add(text, ")\n");
        }
        if (generation->description) {
                text_add(text, "Description:  ");
                text_add_line(text, generation->description);
                text_add(text, "\n");
        }
        if (!generation->was_committed)
                text_add(text, "No switch to it was ever completed.\n");
}

static json_t *entry_json(const Entry *entry) {
        char hex[DIGEST_HEX_SIZE], mode[8];
        bool is_file = entry->kind == ENTRY_FILE;
        (void) snprintf(mode, sizeof(mode), "%04o", entry->mode & 07777u);
        json_t *object = json_object();
        int failed = json_object_set_new(object, "path", json_entry_path(entry->root, entry->path));
        failed |= json_object_set_new(object, "kind", json_text(entry_kind_to_string(entry->kind)));
        failed |= json_object_set_new(object, "mode", json_text(mode));
        failed |= json_object_set_new(object, "owner", json_text(entry->owner));
        failed |= json_object_set_new(object, "group", json_text(entry->group));
        failed |= json_object_set_new(object, "size",
                        is_file ? json_integer((json_int_t) entry->content->size_bytes)
                                : json_null());
        failed |= json_object_set_new(object, "digest",
                        is_file && !entry->secret
                                        ? json_text(digest_to_hex(&entry->content->digest, hex))
                                        : json_null());
        failed |= json_object_set_new(object, "target", json_text_or_null(entry->target));
        failed |= json_object_set_new(object, "secret", json_boolean(entry->secret));
        failed |= json_object_set_new(object, "implied", json_boolean(entry->implied));
        failed |= json_object_set_new(object, "layer", json_text_or_null(entry->layer));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int print_tree_json(const ReferenceTree *tree, const Generation *generation, Error *reterr) {
        json_t *object = generation ? json_generation(generation) : json_object(),
               *array = json_array();
        int failed = 0;
        if (tree->number >= 0) {
                failed |= json_object_set_new(object, "profile", json_text(tree->profile));
                failed |= json_object_set_new(object, "generation", json_integer(tree->number));
        } else
                failed |= json_object_set_new(object, "source", json_text(tree->name));
        for (size_t i = 0; i < tree->tree->n_entries; i++)
                failed |= json_array_append_new(array, entry_json(&tree->tree->entries[i]));
        failed |= json_object_set_new(object, "entries", array);
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

static int show_tree(Show *show, const char *reference, Error *reterr) {
        cleanup(reference_tree_donep) ReferenceTree tree = { .number = -1 };
        int r = reference_read(show->host, reference, true, &tree, reterr);
        if (r < 0)
                return r;
        cleanup(generation_donep) Generation generation = { 0 };
        bool is_stored = tree.number > 0;
        if (is_stored) {
                r = generation_get(show->host->database, tree.profile, tree.number, &generation,
                                reterr);
                if (r >= 0)
                        r = entry_layers_load(show->host->database, tree.profile, tree.number,
                                        tree.tree, reterr);
                if (r < 0)
                        return r;
        }
        if (option_is_given(show->options, OPTION_JSON))
                return print_tree_json(&tree, is_stored ? &generation : NULL, reterr);
        cleanup(text_donep) Text text = { 0 };
        if (tree.number >= 0)
                add_facts(show, &tree, is_stored ? &generation : NULL, &text);
        else {
                text_add(&text, "Source ");
                text_add_name(&text, "", tree.path);
                text_add(&text, "\n");
        }
        r = add_entries(show, tree.tree, &text, reterr);
        return r < 0 ? r : output_show(&show->output, &text, reterr);
}

static int show_reference(Show *show, const char *argument, Error *reterr) {
        bool is_saved = strncmp(argument, "saved:", strlen("saved:")) == 0;
        const char *colon = strrchr(argument, ':');
        cleanup_free char *reference =
                        colon ? strndup(argument, (size_t) (colon - argument)) : NULL;
        if (colon && !reference)
                return error_oom(reterr);
        bool is_file = colon &&
                       (reference_is_generation(reference) || reference_is_source(reference));
        if ((is_saved || is_file) && option_is_given(show->options, OPTION_JSON))
                return error_set(reterr, USAGE_ERROR,
                                "%s: A file is printed as it is, there is no JSON of it", argument);
        if (is_saved)
                return show_saved_file(show, argument + strlen("saved:"), reterr);
        if (is_file)
                return show_file(show, reference, colon + 1, reterr);
        return show_tree(show, argument, reterr);
}

int cmd_show(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        bool saved = option_is_given(options, OPTION_SAVED);
        if (saved && n_arguments > 0)
                return error_set(reterr, USAGE_ERROR,
                                "--saved lists all that was saved: it takes no argument");
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r < 0)
                return r;
        if (n_arguments == 0 || reference_is_generation(arguments[0]))
                r = host_check_switched(&host, reterr);
        if (r < 0)
                return r;
        Show show = { .options = options, .host = &host };
        output_init(&show.output, options);
        if (saved)
                r = show_saved_list(&show, reterr);
        else
                r = show_reference(&show, n_arguments > 0 ? arguments[0] : "@active", reterr);
        arena_done(&show.arena);
        return r;
}
