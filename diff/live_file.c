/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/live_file.h"

#include "diff/plan_json.h"
#include "diff/quote.h"
#include "diff/unit_name.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct LiveReader {
        const char *name;
        Contents *contents;
        LiveFile *file;
} LiveReader;

static int refuse(const LiveReader *reader, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG, "%s: %s; write it by sysswitch states", reader->name,
                        what);
}

LiveFile *live_file_free(LiveFile *file) {
        if (!file)
                return NULL;
        (void) unit_states_free(file->states);
        for (size_t i = 0; i < file->n_users; i++)
                (void) unit_states_free(file->user_states[i]);
        free(file->users);
        free(file->user_states);
        map_done(&file->distribution);
        strv_done(&file->own);
        (void) tree_free(file->beneath);
        (void) tree_free(file->in_the_way);
        (void) tree_free(file->back);
        arena_done(&file->arena);
        free(file);
        return NULL;
}

/* "@1000" */
static bool parse_uid(const char *key, uint32_t *ret_uid) {
        char *end;
        errno = 0;
        unsigned long uid = strtoul(key + 1, &end, 10);
        if (!isdigit((unsigned char) key[1]) || *end || errno || uid >= UINT32_MAX)
                return false;
        *ret_uid = (uint32_t) uid;
        return true;
}

static int read_units(const LiveReader *reader, json_t *object, UnitStates *states, Error *reterr) {
        const char *unit;
        json_t *value;
        json_object_foreach(object, unit, value) {
                int r = unit_states_add_json(states, reader->name, unit, value, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_user(const LiveReader *reader, uint32_t uid, json_t *object, Error *reterr) {
        LiveFile *file = reader->file;
        UserStates *users = reallocarray(file->users, file->n_users + 1, sizeof(UserStates));
        if (!users)
                return error_oom(reterr);
        file->users = users;
        UnitStates **owned =
                        reallocarray(file->user_states, file->n_users + 1, sizeof(UnitStates *));
        if (!owned)
                return error_oom(reterr);
        file->user_states = owned;
        UnitStates *states = unit_states_new();
        if (!states)
                return error_oom(reterr);
        users[file->n_users] = (UserStates){ .uid = uid, .states = states };
        owned[file->n_users++] = states;
        return read_units(reader, object, states, reterr);
}

static const char *text_of(const LiveReader *reader, const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));
        return text ? arena_strdup(&reader->file->arena, text) : NULL;
}

static int read_debt(const LiveReader *reader, const json_t *object, Debt *debt, Error *reterr) {
        const json_t *user = json_object_get(object, "user");
        *debt = (Debt){
                .unit = text_of(reader, object, "unit"),
                .uid = user ? (uint32_t) json_integer_value(user) : UINT32_MAX,
                .reason = text_of(reader, object, "reason"),
                .invocation_id = "",
        };
        const char *verb_text = text_of(reader, object, "verb");
        const char *cause_text = text_of(reader, object, "cause");
        int verb = verb_text ? verb_from_string(verb_text) : -EINVAL;
        int cause = cause_text ? debt_cause_from_string(cause_text) : -EINVAL;
        if (!debt->unit || verb < 0 || cause < 0)
                return refuse(reader, "A debt has unit, verb and cause", reterr);
        debt->verb = (Verb) verb;
        debt->cause = (DebtCause) cause;
        return 0;
}

static int read_debts(const LiveReader *reader, const json_t *array, Error *reterr) {
        LiveFile *file = reader->file;
        size_t n = json_array_size(array);
        file->debts = arena_new(&file->arena, Debt, n + 1);
        if (!file->debts)
                return error_oom(reterr);
        for (size_t i = 0; i < n; i++) {
                int r = read_debt(reader, json_array_get(array, i), &file->debts[i], reterr);
                if (r < 0)
                        return r;
                file->n_debts++;
        }
        return 0;
}

static int read_distribution(const LiveReader *reader, json_t *object, Error *reterr) {
        LiveFile *file = reader->file;
        const char *name;
        json_t *value;
        file->has_distribution = true;
        json_object_foreach(object, name, value) {
                LiveUnit *unit = arena_new(&file->arena, LiveUnit, 1);
                const char *key = arena_strdup(&file->arena, name);
                const char *text = json_string_value(json_object_get(value, "text"));
                if (!unit || !key)
                        return error_oom(reterr);
                *unit = (LiveUnit){ .path = text_of(reader, value, "path") };
                if (unit->path && !text)
                        return refuse(reader, "A unit of @distribution has path and text", reterr);
                int r = text ? contents_add(reader->contents, text, strlen(text), &unit->content,
                                               reterr)
                             : 0;
                if (r < 0)
                        return r;
                if (map_put(&file->distribution, key, unit) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int read_own(const LiveReader *reader, const json_t *array, Error *reterr) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *name = json_string_value(json_array_get(array, i));
                if (!name)
                        return refuse(reader, "@own has names of units", reterr);
                if (strv_add(&reader->file->own, name) < 0)
                        return error_oom(reterr);
        }
        strv_sort(&reader->file->own);
        return 0;
}

static bool parse_kind(const char *text, EntryKind *ret_kind) {
        for (EntryKind kind = 0; text && kind < N_ENTRY_KINDS; kind++)
                if (strcmp(text, entry_kind_to_string(kind)) == 0) {
                        *ret_kind = kind;
                        return true;
                }
        return false;
}

/* One whose digest is not told is like no other. */
static int read_content(
                const LiveReader *reader, const json_t *object, Entry *entry, Error *reterr) {
        const char *text = json_string_value(json_object_get(object, "text"));
        const char *hex = json_string_value(json_object_get(object, "digest"));
        size_t size = (size_t) json_integer_value(json_object_get(object, "size"));
        Digest digest;
        if (text)
                return contents_add(reader->contents, text, strlen(text), &entry->content, reterr);
        if (hex && digest_from_hex(hex, &digest) < 0)
                return refuse(reader, "No digest in @beneath", reterr);
        if (!hex && digest_of(entry->path, strlen(entry->path), &digest) < 0)
                return error_oom(reterr);
        return contents_add_known(reader->contents, &digest, size, &entry->content, reterr);
}

static int read_beneath(const LiveReader *reader, json_t *object, Error *reterr) {
        Tree *tree = reader->file->beneath = tree_new();
        const char *path;
        json_t *value;
        if (!tree)
                return error_oom(reterr);
        json_object_foreach(object, path, value) {
                Entry entry = {
                        .root = ROOT_ETC,
                        .path = path,
                        .mode = (uint16_t) json_integer_value(json_object_get(value, "mode")),
                        .owner = text_of(reader, value, "owner"),
                        .group = text_of(reader, value, "group"),
                        .target = text_of(reader, value, "target"),
                };
                if (!parse_kind(json_string_value(json_object_get(value, "kind")), &entry.kind) ||
                                !entry.owner || !entry.group ||
                                (entry.kind == ENTRY_LINK) != (entry.target != NULL))
                        return refuse(reader, "What is @beneath has kind, owner, group", reterr);
                int r = entry.kind == ENTRY_FILE ? read_content(reader, value, &entry, reterr) : 0;
                if (r < 0)
                        return r;
                if (tree_add(tree, &entry) < 0)
                        return error_oom(reterr);
        }
        return tree_seal(tree, reterr);
}

static int read_initrds(const LiveReader *reader, const json_t *value, Error *reterr) {
        LiveFile *file = reader->file;
        int r = live_initrds_from_json(value, &file->arena, &file->initrds);
        if (r == -EBADMSG)
                return refuse(reader, "@initrds has a maker, and lines for each of kernels",
                                reterr);
        return r < 0 ? error_oom(reterr) : 0;
}

static int read_key(const LiveReader *reader, const char *key, json_t *value, Error *reterr) {
        uint32_t uid;
        if (*key != '@')
                return unit_states_add_json(reader->file->states, reader->name, key, value, reterr);
        if (parse_uid(key, &uid))
                return read_user(reader, uid, value, reterr);
        if (strcmp(key, "@schema") == 0)
                return json_integer_value(value) == JSON_SCHEMA_VERSION
                                       ? 0
                                       : refuse(reader, "It is of another version", reterr);
        if (strcmp(key, "@debt") == 0)
                return read_debts(reader, value, reterr);
        if (strcmp(key, "@distribution") == 0)
                return read_distribution(reader, value, reterr);
        if (strcmp(key, "@own") == 0)
                return read_own(reader, value, reterr);
        if (strcmp(key, "@beneath") == 0)
                return read_beneath(reader, value, reterr);
        if (strcmp(key, "@initrds") == 0)
                return read_initrds(reader, value, reterr);
        return error_set(reterr, -EBADMSG,
                        "%s: \"%s\" is no unit, no user's manager, and nothing of this version",
                        reader->name, key);
}

int live_file_parse(const char *name,
                const char *text,
                size_t length,
                Contents *contents,
                LiveFile **ret_file,
                Error *reterr) {
        json_error_t error;
        json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return error_set(reterr, -EBADMSG, "%s:%d: No JSON: %s", name, error.line,
                                error.text);
        int r = json_is_object(root) ? 0
                                     : error_set(reterr, -EBADMSG,
                                                       "%s: No object; write {\"NAME.service\": "
                                                       "{\"ActiveState\": …}}",
                                                       name);
        cleanup(live_file_freep) LiveFile *file = calloc(1, sizeof(LiveFile));
        if (file)
                file->states = unit_states_new();
        if (!file || !file->states)
                r = error_oom(reterr);
        const LiveReader reader = { name, contents, file };
        const char *key;
        json_t *value;
        json_object_foreach(root, key, value) {
                if (r >= 0)
                        r = read_key(&reader, key, value, reterr);
        }
        json_decref(root);
        if (r >= 0)
                *ret_file = TAKE(file);
        return r;
}

static int read_unit(void *userdata,
                const char *name,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        (void) reterr; /* all is at hand */
        const LiveFile *file = userdata;
        const LiveUnit *unit = map_get(&file->distribution, name);
        if (!unit)
                return DISTRIBUTION_NO_UNIT;
        if (!unit->path)
                return DISTRIBUTION_SYSV_ONLY;
        *ret_path = unit->path;
        *ret_content = unit->content;
        return DISTRIBUTION_UNIT;
}

static bool has_own_unit(void *userdata, const char *name) {
        const LiveFile *file = userdata;
        cleanup(arena_donep) Arena arena = { 0 };
        const char *of = unit_name_template_of(&arena, name);
        return strv_has(&file->own, name) || (of && strv_has(&file->own, of));
}

Distribution live_file_distribution(LiveFile *file) {
        return (Distribution){ .read_unit = read_unit,
                .has_own_unit = has_own_unit,
                .initrd_maker = file->initrds.maker,
                .userdata = file };
}

/* As it was declared: then nothing changes where it comes back. */
static bool is_as_declared(const Entry *found, const Entry *declared) {
        return declared && found->kind == declared->kind && entry_same_bytes(found, declared) &&
               (found->kind == ENTRY_LINK ||
                               (found->mode == declared->mode &&
                                               strcmp(found->owner, declared->owner) == 0 &&
                                               strcmp(found->group, declared->group) == 0));
}

/* What a tree lies over: of what is beneath, what is at paths that the other has and over lacks. */
static int
add_part(LiveFile *file, const Tree *over, const Tree *other, Tree **ret_part, Error *reterr) {
        Tree *part = *ret_part = tree_new();
        if (!part)
                return error_oom(reterr);
        for (size_t i = 0; file->beneath && i < file->beneath->n_entries; i++) {
                const Entry *found = &file->beneath->entries[i];
                const Entry *declared = tree_find(other, ROOT_ETC, found->path);
                if (!declared || tree_find(over, ROOT_ETC, found->path))
                        continue;
                Entry entry = is_as_declared(found, declared) ? *declared : *found;
                /* what is not at hand cannot be shown */
                entry.secret |= declared->secret || (entry.content && !entry.content->data);
                if (tree_add(part, &entry) < 0)
                        return error_oom(reterr);
        }
        return tree_seal(part, reterr);
}

int live_file_lay_under(LiveFile *file,
                const Tree *old,
                const Tree *new,
                Tree **ret_old,
                Tree **ret_new,
                Error *reterr) {
        int r = add_part(file, old, new, &file->in_the_way, reterr);
        if (r >= 0)
                r = add_part(file, new, old, &file->back, reterr);
        if (r >= 0)
                r = tree_overlay(file->in_the_way, old, ret_old, reterr);
        return r < 0 ? r : tree_overlay(file->back, new, ret_new, reterr);
}

/* Writing */

static int add_units(json_t *object, const UnitStates *states) {
        size_t position = 0;
        const char *name;
        const UnitState *state;
        int failed = 0;
        while ((state = map_next(&states->by_name, &position, &name)))
                if (strcmp(state->name, name) == 0) /* else an alias, which its Names has */
                        failed |= json_object_set_new(object, name, unit_state_to_json(state));
        return failed;
}

static int add_users(json_t *object, const LiveFacts *facts) {
        int failed = 0;
        for (size_t i = 0; i < facts->n_users; i++) {
                char key[16];
                (void) snprintf(key, sizeof(key), "@%u", facts->users[i].uid); /* fits */
                json_t *units = json_object();
                failed |= add_units(units, facts->users[i].states);
                failed |= json_object_set_new(object, key, units);
        }
        return failed;
}

static json_t *debts_to_json(const LiveFacts *facts) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < facts->n_debts; i++) {
                const Debt *debt = &facts->debts[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(debt->unit));
                if (debt->uid != UINT32_MAX)
                        failed |= json_object_set_new(entry, "user", json_integer(debt->uid));
                failed |= json_object_set_new(entry, "verb", json_text(verb_to_string(debt->verb)));
                failed |= json_object_set_new(
                                entry, "cause", json_text(debt_cause_to_string(debt->cause)));
                if (debt->reason)
                        failed |= json_object_set_new(entry, "reason", json_text(debt->reason));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static int add_distribution(json_t *object, const LiveFacts *facts, Error *reterr) {
        json_t *units = json_object(), *own = json_array();
        int failed = json_object_set_new(object, "@distribution", units);
        failed |= json_object_set_new(object, "@own", own);
        const Distribution *distribution = facts->distribution;
        for (size_t i = 0; i < facts->distribution_names->n_items; i++) {
                const char *name = facts->distribution_names->items[i], *path = NULL;
                Content *content = NULL;
                int r = distribution->read_unit(
                                distribution->userdata, name, &path, &content, reterr);
                if (r < 0)
                        return r;
                json_t *unit = json_object();
                if (r == DISTRIBUTION_UNIT) {
                        failed |= json_object_set_new(unit, "path", json_text(path));
                        failed |= json_object_set_new(unit, "text", json_text(content->data));
                }
                if (r == DISTRIBUTION_NO_UNIT)
                        json_decref(unit); /* masked there */
                else
                        failed |= json_object_set_new(units, name, unit);
        }
        for (size_t i = 0; i < facts->own_names->n_items; i++)
                failed |= json_array_append_new(own, json_text(facts->own_names->items[i]));
        return failed ? error_oom(reterr) : 0;
}

/* What the plan reads, not only compares. */
static bool is_read(const Entry *entry) {
        return strncmp(entry->path, "systemd/", strlen("systemd/")) == 0 ||
               strcmp(entry->path, "fstab") == 0;
}

static json_t *beneath_to_json(const Entry *entry) {
        char hex[DIGEST_HEX_SIZE];
        bool is_open = entry->kind == ENTRY_FILE && (entry->mode & 0004) && !entry->secret;
        json_t *object = json_object();
        int failed = json_object_set_new(
                        object, "kind", json_text(entry_kind_to_string(entry->kind)));
        failed |= json_object_set_new(object, "mode", json_integer(entry->mode));
        failed |= json_object_set_new(object, "owner", json_text(entry->owner));
        failed |= json_object_set_new(object, "group", json_text(entry->group));
        if (entry->kind == ENTRY_LINK)
                failed |= json_object_set_new(object, "target", json_text(entry->target));
        if (is_open && is_read(entry) && entry->content->data)
                failed |= json_object_set_new(object, "text", json_text(entry->content->data));
        else if (is_open) {
                failed |= json_object_set_new(object, "digest",
                                json_text(digest_to_hex(&entry->content->digest, hex)));
                failed |= json_object_set_new(object, "size",
                                json_integer((json_int_t) entry->content->size_bytes));
        }
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int add_beneath(json_t *object, const Tree *beneath) {
        json_t *entries = json_object();
        int failed = 0;
        for (size_t i = 0; beneath && i < beneath->n_entries; i++)
                failed |= json_object_set_new(entries, beneath->entries[i].path,
                                beneath_to_json(&beneath->entries[i]));
        return json_object_set_new(object, "@beneath", entries) | failed;
}

int live_file_to_json(const LiveFacts *facts, json_t **ret_json, Error *reterr) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "@schema", json_integer(JSON_SCHEMA_VERSION));
        failed |= add_units(object, facts->states);
        failed |= add_users(object, facts);
        failed |= json_object_set_new(object, "@debt", debts_to_json(facts));
        failed |= add_beneath(object, facts->beneath);
        failed |= json_object_set_new(object, "@initrds", live_initrds_to_json(facts->initrds));
        int r = failed ? error_oom(reterr) : 0;
        if (r >= 0)
                r = add_distribution(object, facts, reterr);
        if (r < 0)
                json_decref(object);
        else
                *ret_json = object;
        return r;
}
