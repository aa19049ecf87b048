/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "state/generation.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/host.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

static void add_mark(Text *text, const char *mark) {
        text_add(text, text->length > 0 ? ", " : "");
        text_add(text, mark);
}

static void add_marks(Text *text, const Profile *profile, const Generation *generation) {
        if (generation->number == profile->active)
                add_mark(text, "active");
        if (generation->number == profile->default_number)
                add_mark(text, "default");
        if (text->length == 0 && generation->number > 0 && !generation->was_committed)
                add_mark(text, "not completed");
        if (generation->is_pinned)
                add_mark(text, "pinned");
}

static void add_row(Table *table, const Profile *profile, const Generation *generation) {
        cleanup(text_donep) Text created = { 0 }, origin = { 0 }, description = { 0 },
                                 state = { 0 };
        Style style = generation->number == profile->active ? STYLE_BOLD : STYLE_NONE;
        text_add_time(&created, generation->created_usec);
        text_add_commit(&origin, generation->origin.commit, generation->origin.is_dirty);
        if (generation->origin.path) {
                text_add(&origin, origin.length > 0 ? " " : "");
                text_add_name(&origin, "", generation->origin.path);
        }
        text_add_line(&description, generation->description ? generation->description : "");
        if (generation->origin.subject) {
                text_add(&origin, ": ");
                text_add_line(&origin, generation->origin.subject);
        }
        add_marks(&state, profile, generation);
        if (state.error < 0 || created.error < 0 || origin.error < 0 || description.error < 0) {
                table->error = -ENOMEM;
                return;
        }
        table_addf(table, style, "%lld", (long long) generation->number);
        table_add(table, style, created.data);
        table_add(table, style, state.data ? state.data : "");
        table_add(table, style, origin.data ? origin.data : "");
        table_add(table, style, generation->user ? generation->user : "");
        table_add(table, style, description.data);
}

static int print_table(const Options *options,
                const Profile *profile,
                const Generations *list,
                Error *reterr) {
        static const char *const headings[] = { "GENERATION", "DATE", "STATE", "ORIGIN", "USER",
                "DESCRIPTION" };
        cleanup(table_donep) Table table = { .n_columns = N_ELEMENTS(headings) };
        for (size_t i = 0; i < N_ELEMENTS(headings); i++)
                table_add(&table, STYLE_BOLD, headings[i]);
        static char as_found[] = "the host as found", nothing[] = "nothing inside";
        const Generation zero = { .description = strcmp(profile->name, "system") == 0 ? as_found
                                                                                      : nothing };
        add_row(&table, profile, &zero);
        for (size_t i = 0; i < list->n_items; i++)
                add_row(&table, profile, &list->items[i]);
        Output output;
        output_init(&output, options);
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &output, 0, &text);
        return output_show(&output, &text, reterr);
}

static int print_json(const Profile *profile, const Generations *list, Error *reterr) {
        json_t *object = json_object(), *array = json_array();
        int failed = json_object_set_new(object, "profile", json_text(profile->name));
        failed |= json_object_set_new(object, "active", json_integer(profile->active));
        failed |= json_object_set_new(object, "default", json_integer(profile->default_number));
        failed |= json_object_set_new(object, "source", json_text_or_null(profile->source));
        for (size_t i = 0; i < list->n_items; i++)
                failed |= json_array_append_new(array, json_generation(&list->items[i]));
        failed |= json_object_set_new(object, "generations", array);
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

int cmd_generations(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* takes none */
        (void) n_arguments;
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        cleanup(generations_donep) Generations list = { 0 };
        if (host.database) {
                r = generation_list(host.database, host.profile_name, &list, reterr);
                if (r < 0)
                        return r;
        }
        if (option_is_given(options, OPTION_QUIET))
                return 0;
        if (option_is_given(options, OPTION_JSON))
                return print_json(&host.profile, &list, reterr);
        return print_table(options, &host.profile, &list, reterr);
}
