# SPDX-License-Identifier: LGPL-2.1-or-later
add_compile_options(
        -Wall
        -Wextra
        -Wcast-qual
        -Wconversion
        -Wformat=2
        -Wmissing-prototypes
        -Wshadow
        -Wstrict-prototypes
        -Wundef
        -Wvla
        -Wwrite-strings
        $<$<BOOL:${ENABLE_WERROR}>:-Werror>
)
