#!/bin/sh
# SPDX-License-Identifier: MIT
# Each mutant is a change to the code as it is now.
exec scripts/mutants.sh -n
