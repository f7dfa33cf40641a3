#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# closes.sh PROGRAM: a test that is a script; sort(1) loses a block, which is nobody's business here.
echo ok | sort && "$1"
