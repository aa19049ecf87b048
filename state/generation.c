/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/generation.h"

#include "state/entry_rows.h"
#include "state/statement.h"

#include <errno.h>

void generation_done(Generation *generation) {
        origin_done(&generation->origin);
        free(generation->user);
        free(generation->description);
        *generation = (Generation){ 0 };
}

void generations_done(Generations *generations) {
        for (size_t i = 0; i < generations->n_items; i++)
                generation_done(&generations->items[i]);
        free(generations->items);
        *generations = (Generations){ 0 };
}

static int take_number(Database *database, int64_t profile, int64_t *ret_number, Error *reterr) {
        static const char sql[] = "UPDATE profiles SET newest = newest + 1 "
                                  "WHERE id = ?1 RETURNING newest";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        r = statement_step(&statement, reterr);
        if (r > 0) {
                *ret_number = statement_int(&statement, 0);
                r = statement_step(&statement, reterr); /* to the end: only then it is done */
        }
        return r < 0 ? r : 0;
}

static int insert_generation(Database *database,
                int64_t profile,
                int64_t number,
                const Generation *generation,
                Error *reterr) {
        static const char sql[] = "INSERT INTO generations (profile, number, created_usec, user, "
                                  "description, path, commit_id, commit_subject, commit_author, "
                                  "commit_time_sec, is_dirty) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        const Origin *origin = &generation->origin;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        statement_bind_int(&statement, 3, (int64_t) generation->created_usec);
        statement_bind_text(&statement, 4, generation->user);
        statement_bind_text(&statement, 5, generation->description);
        statement_bind_text(&statement, 6, origin->path);
        statement_bind_text(&statement, 7, origin->commit);
        statement_bind_text(&statement, 8, origin->subject);
        statement_bind_text(&statement, 9, origin->author);
        statement_bind_int(&statement, 10, origin->commit_time);
        statement_bind_int(&statement, 11, origin->is_dirty);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

static int store_change(Database *database,
                int64_t profile,
                int64_t number,
                const TreeChange *change,
                Error *reterr) {
        int64_t content = 0;
        int r = change->before ? entry_row_end(database, profile, change->before, number, reterr)
                               : 0;
        if (r >= 0 && change->after && change->after->content)
                r = database_store_content(
                                database, NULL, change->after->content, &content, reterr);
        if (r >= 0 && change->after)
                r = entry_row_begin(database, profile, change->after, content, number, reterr);
        return r;
}

int generation_store(Database *database,
                const char *profile,
                const Generation *generation,
                const TreeChange *changes,
                size_t n_changes,
                int64_t *ret_number,
                Error *reterr) {
        int64_t id = 0, number = 0;
        int r = profile_id(database, profile, &id, reterr);
        if (r >= 0)
                r = take_number(database, id, &number, reterr);
        if (r >= 0)
                r = insert_generation(database, id, number, generation, reterr);
        for (size_t i = 0; r >= 0 && i < n_changes; i++)
                r = store_change(database, id, number, &changes[i], reterr);
        if (r < 0)
                return r;
        *ret_number = number;
        return 0;
}

/* Whether some switch to it was committed is not kept twice: the switches know. */
#define GENERATION_QUERY(pinned)                                                                   \
        "SELECT g.number, g.created_usec, g.user, g.description, g.path, g.commit_id, "            \
        "g.commit_subject, g.commit_author, g.commit_time_sec, g.is_dirty, "                       \
        "EXISTS (SELECT 1 FROM switches AS s WHERE s.profile = g.profile "                         \
        "AND s.to_number = g.number AND s.state = 'committed'), " pinned                           \
        " FROM generations AS g JOIN profiles AS p ON p.id = g.profile WHERE p.name = ?1 "
#define IS_PINNED                                                                                  \
        "EXISTS (SELECT 1 FROM pins AS i WHERE i.profile = g.profile AND i.number = g.number)"

/* The first version that has pins. */
enum { VERSION_OF_PINS = 2 };

static int read_generation(const Statement *statement, Generation *ret_generation, Error *reterr) {
        cleanup(generation_donep) Generation generation = {
                .number = statement_int(statement, 0),
                .created_usec = (uint64_t) statement_int(statement, 1),
                .origin.commit_time = statement_int(statement, 8),
                .origin.is_dirty = statement_int(statement, 9),
                .was_committed = statement_int(statement, 10),
                .is_pinned = statement_int(statement, 11),
        };
        char **texts[] = { &generation.user, &generation.description, &generation.origin.path,
                &generation.origin.commit, &generation.origin.subject, &generation.origin.author };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                int r = statement_text_copy(statement, (int) i + 2, texts[i], reterr);
                if (r < 0)
                        return r;
        }
        *ret_generation = generation;
        generation = (Generation){ 0 };
        return 0;
}

int generation_fail_missing(
                Database *database, const char *profile, int64_t number, Error *reterr) {
        cleanup(profile_donep) Profile row = { 0 };
        int r = profile_load(database, profile, &row, reterr);
        if (r < 0)
                return r;
        bool was_there = number > 0 && number <= row.newest;
        return error_set(reterr, -ENOENT,
                        was_there ? "Generation %lld of profile %s was pruned: see \"generations\""
                                  : "There is no generation %lld of profile %s: see "
                                    "\"generations\"",
                        (long long) number, profile);
}

int generation_get(Database *database,
                const char *profile,
                int64_t number,
                Generation *ret_generation,
                Error *reterr) {
        static const char sql[] = GENERATION_QUERY(IS_PINNED) "AND g.number = ?2";
        static const char sql_before[] = GENERATION_QUERY("0") "AND g.number = ?2";
        bool has_pins = database_version(database) >= VERSION_OF_PINS;
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, has_pins ? sql : sql_before, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        r = statement_step(&statement, reterr);
        if (r == 0)
                return generation_fail_missing(database, profile, number, reterr);
        return r < 0 ? r : read_generation(&statement, ret_generation, reterr);
}

static int add_generation(Generations *generations,
                size_t *n_allocated,
                const Statement *statement,
                Error *reterr) {
        if (generations->n_items == *n_allocated) {
                size_t n = *n_allocated ? *n_allocated * 2 : 16;
                Generation *grown = reallocarray(generations->items, n, sizeof(*grown));
                if (!grown)
                        return error_oom(reterr);
                generations->items = grown;
                *n_allocated = n;
        }
        int r = read_generation(statement, &generations->items[generations->n_items], reterr);
        if (r >= 0)
                generations->n_items++;
        return r;
}

int generation_list(Database *database,
                const char *profile,
                Generations *ret_generations,
                Error *reterr) {
        static const char sql[] = GENERATION_QUERY(IS_PINNED) "ORDER BY g.number";
        static const char sql_before[] = GENERATION_QUERY("0") "ORDER BY g.number";
        bool has_pins = database_version(database) >= VERSION_OF_PINS;
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, has_pins ? sql : sql_before, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        cleanup(generations_donep) Generations generations = { 0 };
        size_t n_allocated = 0;
        while ((r = statement_step(&statement, reterr)) > 0) {
                r = add_generation(&generations, &n_allocated, &statement, reterr);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret_generations = generations;
        generations = (Generations){ 0 };
        return 0;
}

int generation_previous(Database *database,
                const char *profile,
                int64_t number,
                int64_t *ret_number,
                Error *reterr) {
        static const char sql[] = "SELECT max(s.to_number) FROM switches AS s "
                                  "JOIN profiles AS p ON p.id = s.profile "
                                  "JOIN generations AS g ON g.profile = p.id "
                                  "AND g.number = s.to_number WHERE p.name = ?1 "
                                  "AND s.state = 'committed' AND s.verb <> 'boot' "
                                  "AND s.to_number < ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        *ret_number = r > 0 ? statement_int(&statement, 0) : 0; /* NULL: 0 */
        return 0;
}
