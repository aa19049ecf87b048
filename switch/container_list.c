/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "switch/container_verbs.h"
#include "switch/container_view.h"
#include "switch/facts.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

static const char *reference_of(const ContainerView *view, Text *text) {
        if (!view->is_declared)
                return "-";
        if (view->has_other_tree)
                text_add(text, "another than ");
        if (strcmp(view->profile, "system") != 0)
                text_add(text, view->profile);
        text_addf(text, "@%lld", (long long) view->generation);
        return text->error < 0 ? NULL : text->data;
}

static const char *addresses_of(const ContainerView *view, Text *text) {
        if (view->look.shares_network)
                return "the host's";
        for (size_t i = 0; i < view->look.addresses.n_items; i++)
                text_addf(text, "%s%s", i > 0 ? " " : "", view->look.addresses.items[i]);
        return text->error < 0 ? NULL : text->data ? text->data : "-";
}

static void add_row(Table *table, const ContainerView *view) {
        cleanup(text_donep) Text since = { 0 }, reference = { 0 }, addresses = { 0 };
        Style style = strcmp(view->active_state, "failed") == 0   ? STYLE_RED
                      : view->has_other_tree                      ? STYLE_YELLOW
                      : strcmp(view->active_state, "active") == 0 ? STYLE_GREEN
                                                                  : STYLE_GREY;
        text_add_time(&since, view->look.since_usec);
        const char *generation = reference_of(view, &reference),
                   *network = addresses_of(view, &addresses);
        if (since.error < 0 || !generation || !network) {
                table->error = -ENOMEM;
                return;
        }
        table_add(table, STYLE_BOLD, view->name);
        table_addf(table, style, "%s%s", view->active_state,
                        view->is_declared ? "" : ", not declared");
        table_add(table, STYLE_NONE, generation);
        table_add(table, STYLE_NONE, since.data);
        table_add(table, STYLE_NONE, network);
}

static int print_table(const Options *options, const ContainerViews *views, Error *reterr) {
        static const char *const headings[] = { "NAME", "STATE", "GENERATION", "UP SINCE",
                "ADDRESSES" };
        cleanup(table_donep) Table table = { .n_columns = N_ELEMENTS(headings) };
        for (size_t i = 0; i < N_ELEMENTS(headings); i++)
                table_add(&table, STYLE_BOLD, headings[i]);
        for (size_t i = 0; i < views->n_items; i++)
                add_row(&table, &views->items[i]);
        Output output;
        output_init(&output, options);
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &output, 0, &text);
        return output_show(&output, &text, reterr);
}

static json_t *addresses_json(const ContainerView *view) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < view->look.addresses.n_items; i++)
                failed |= json_array_append_new(array, json_text(view->look.addresses.items[i]));
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *container_json(const ContainerView *view) {
        json_t *entry = json_object();
        int failed = json_object_set_new(entry, "name", json_text(view->name));
        failed |= json_object_set_new(entry, "unit", json_text(view->unit));
        failed |= json_object_set_new(entry, "declared", json_boolean(view->is_declared));
        failed |= json_object_set_new(entry, "ActiveState", json_text(view->active_state));
        failed |= json_object_set_new(entry, "profile",
                        view->is_declared ? json_text(view->profile) : json_null());
        failed |= json_object_set_new(entry, "generation",
                        view->is_declared ? json_integer(view->generation) : json_null());
        failed |= json_object_set_new(entry, "has_other_tree", json_boolean(view->has_other_tree));
        failed |= json_object_set_new(entry, "since", json_time(view->look.since_usec));
        failed |= json_object_set_new(
                        entry, "shares_network", json_boolean(view->look.shares_network));
        failed |= json_object_set_new(entry, "addresses", addresses_json(view));
        if (!failed)
                return entry;
        json_decref(entry);
        return NULL;
}

static int print_json(const ContainerViews *views, Error *reterr) {
        json_t *object = json_object(), *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < views->n_items; i++)
                failed |= json_array_append_new(array, container_json(&views->items[i]));
        failed |= json_object_set_new(object, "containers", array);
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

int container_list(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* takes none */
        (void) n_arguments;
        cleanup(host_donep) Host host;
        cleanup(container_views_donep) ContainerViews views = { 0 };
        int r = host_open("/", "system", DATABASE_READ, &host, reterr);
        if (r >= 0)
                r = host_connect(&host, reterr);
        if (r >= 0)
                r = container_views_find(&host, &views, reterr);
        if (r < 0 || option_is_given(options, OPTION_QUIET))
                return r;
        return option_is_given(options, OPTION_JSON) ? print_json(&views, reterr)
                                                     : print_table(options, &views, reterr);
}
