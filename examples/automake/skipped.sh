#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# skipped.sh: a test that cannot be run here.
exit 77
