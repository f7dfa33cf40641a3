# SPDX-License-Identifier: Apache-2.0
"""the_list: all programs, in the order of the table. A family is a file in lists/."""

import compilers
import languages
import shells

FAMILIES = (
    ("shells", shells.PROGRAMS),
    ("languages", languages.PROGRAMS),
    ("compilers", compilers.PROGRAMS),
)
