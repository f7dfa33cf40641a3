#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# calls_nothing.sh: a test that calls no program of the project.
[ "$(echo b | sort)" = b ]
