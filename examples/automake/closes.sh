#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# closes.sh: a test that is a script; sort(1) loses a block, which is nobody's business here.
echo ok | sort && ./closes_short_names
