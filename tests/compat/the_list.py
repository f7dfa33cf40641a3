# SPDX-License-Identifier: Apache-2.0
"""the_list: all programs, in the order of the table. A family is a file in lists/."""

import compilers
import data_stores
import files_and_wires
import languages
import people
import pictures_and_paper
import servers
import shells

FAMILIES = (
    ("shells", shells.PROGRAMS),
    ("languages", languages.PROGRAMS),
    ("compilers", compilers.PROGRAMS),
    ("data stores", data_stores.PROGRAMS),
    ("servers", servers.PROGRAMS),
    ("files and wires", files_and_wires.PROGRAMS),
    ("people", people.PROGRAMS),
    ("pictures and paper", pictures_and_paper.PROGRAMS),
)
