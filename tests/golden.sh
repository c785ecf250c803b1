#!/bin/sh
# SPDX-License-Identifier: MIT
# A hit costs what it has cost before, instruction by instruction.
exec scripts/golden.sh
