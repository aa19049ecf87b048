/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_pair.h"

static int
read_conf(UnitPair *pair, const UnitPairInput *input, Side side, const Tree *tree, Error *reterr) {
        static const ProfileConf empty;
        pair->confs[side] = &empty;
        const Entry *entry = tree_find(tree, ROOT_PROFILE, "profile.conf");
        if (!entry || entry->kind != ENTRY_FILE)
                return 0;
        const char *name = entry->origin ? entry->origin : entry->path;
        return profile_conf_parse(input->arena, name, input->contents, entry->content,
                        &pair->confs[side], reterr);
}

int unit_pair_init(UnitPair *pair, const UnitPairInput *input, Error *reterr) {
        *pair = (UnitPair){ 0 };
        const Tree *trees[N_SIDES] = { input->before, input->after };
        for (Side side = 0; side < N_SIDES; side++) {
                const UnitSetInput set = {
                        .arena = input->arena,
                        .tree = trees[side],
                        .contents = input->contents,
                        .directory = input->is_user ? "systemd/user/" : "systemd/system/",
                };
                int r = unit_set_init(&pair->sets[side], side == AFTER ? &pair->sets[BEFORE] : NULL,
                                &set, reterr);
                if (r == 0)
                        r = read_conf(pair, input, side, trees[side], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

void unit_pair_done(UnitPair *pair) {
        for (Side side = 0; side < N_SIDES; side++)
                unit_set_done(&pair->sets[side]);
}
