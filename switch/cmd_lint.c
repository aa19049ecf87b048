/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/module_needs.h"
#include "switch/output.h"
#include "switch/reference.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* What is known of a module once it is looked into. */
static int check_modules(Host *host, const ReferenceTree *reference, Strv *faults, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        const Tree *tree = reference->tree;
        int r = 0;
        for (size_t i = tree_lower_bound(tree, ROOT_LIB, ""); r >= 0 && i < tree->n_entries; i++) {
                const char *fault = NULL;
                char name[512];
                r = module_needs_fault(host->contents, &tree->entries[i], &arena, &fault, reterr);
                if (r < 0 || !fault)
                        continue;
                source_file_name(reference->source, tree->entries[i].origin, name, sizeof(name));
                const char *text = arena_printf(&arena, "%s: %s", name, fault);
                if (!text || strv_add_unique(faults, text) < 0)
                        return error_oom(reterr);
        }
        return r;
}

/* Returns 0 or what has nothing to do with the source. */
static int lint(const Options *options, const char *reference, Strv *faults, Error *reterr) {
        if (reference_is_generation(reference))
                return error_set(reterr, USAGE_ERROR,
                                "%s: A generation was looked at when it was made: name a source",
                                reference);
        cleanup(host_donep) Host host;
        int r = host_open_stateless(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        host.faults = faults;
        cleanup(reference_tree_donep) ReferenceTree tree = { .number = -1 };
        r = reference_read(&host, reference, false, &tree, reterr);
        if (r >= 0)
                r = check_modules(&host, &tree, faults, reterr);
        if (r != -EBADMSG && r != -EPERM)
                return r;
        return strv_add_unique(faults, reterr->message) < 0 ? error_oom(reterr) : 0;
}

/* Where "FILE:LINE: " ends in front of a text: the first ": ", and the digits before it. */
static const char *split(const char *fault, size_t *ret_file_length, unsigned long *ret_line) {
        const char *end = strstr(fault, ": ");
        size_t length = end ? (size_t) (end - fault) : 0, digits = length;
        while (digits > 0 && isdigit((unsigned char) fault[digits - 1]))
                digits--;
        bool has_line = digits < length && digits > 1 && fault[digits - 1] == ':';
        *ret_line = has_line ? strtoul(fault + digits, NULL, 10) : 0;
        *ret_file_length = has_line ? digits - 1 : length;
        return end ? end + 2 : fault;
}

static json_t *fault_to_json(const char *fault) {
        size_t length;
        unsigned long line;
        const char *text = split(fault, &length, &line);
        cleanup_free char *file = strndup(fault, length);
        json_t *object = json_object();
        int failed = !file || json_object_set_new(object, "file", json_text(file));
        failed |= json_object_set_new(
                        object, "line", line ? json_integer((json_int_t) line) : json_null());
        failed |= json_object_set_new(object, "message", json_text(text));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int print(const Options *options, const Strv *faults, Error *reterr) {
        Output output;
        output_init(&output, options);
        if (option_is_given(options, OPTION_JSON)) {
                json_t *array = json_array();
                int failed = 0;
                for (size_t i = 0; i < faults->n_items; i++)
                        failed |= json_array_append_new(array, fault_to_json(faults->items[i]));
                if (!failed)
                        return json_print_list("faults", array, reterr);
                json_decref(array);
                return error_oom(reterr);
        }
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < faults->n_items; i++) {
                text_add_line(&text, faults->items[i]);
                text_add(&text, "\n");
        }
        return option_is_given(options, OPTION_QUIET) ? 0 : output_show(&output, &text, reterr);
}

int cmd_lint(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        cleanup_strv Strv faults = { 0 };
        if (n_arguments == 0)
                return error_set(reterr, USAGE_ERROR,
                                "Which sources? sysswitch lint hosts/edge1, or HEAD:hosts/edge1");
        for (size_t i = 0; i < n_arguments; i++) {
                int r = lint(options, arguments[i], &faults, reterr);
                if (r < 0)
                        return r;
        }
        int r = print(options, &faults, reterr);
        return r < 0 ? r : faults.n_items > 0;
}
