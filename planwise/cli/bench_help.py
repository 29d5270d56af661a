"""What the help of each action of ``planwise bench`` says below its options."""

from __future__ import annotations

from typing import Final

ARMS: Final = """\
arms:
  per-model       plain dbt, a process for each seed, and for each model and year
  per-year        plain dbt, a process for each year
  in-process      dbt in one process, parsed once
  planwise-cold   every plugin, caches empty
  planwise-warm   every plugin, caches filled by a run that is not counted
  floor           the statements of a planwise run, replayed with nothing around them
  dbt-parse       `dbt parse` alone, its parse cache warm; builds no tables

Tables are compared before any time is shown; arms that differ end it with exit code 1.

examples:
  planwise bench arms --employees 10000 --years 2025-2029 --rounds 6
  planwise bench arms --arms per-year in-process --census my.csv --output arms.json

method, and how to read the table: docs/benchmarks.md"""

SCALE: Final = """\
examples:
  planwise bench scale --employees 1000 10000 100000 --rounds 6
  planwise bench scale --employees 1000000 --memory-limit 2GB --rounds 1

how to read the table: docs/benchmarks.md"""

AB: Final = """\
Both arms run once without being counted, and must give the same tables; otherwise the rows that
differ are shown, and it ends with exit code 1. Then each round runs A and B once, in random order,
each in a fresh process. What is told is the ratio of their times: above 1, A is slower. There are
20 rounds, and more on a noisy machine, until the ratio is known to 1.5 %: --precision, or --rounds.

Flags may be toggles (--no-compression), options of plugins (--compression-codec zstd) and
resources (--threads 1, --memory-limit 1GB, --pool-size 8, --no-cache, --no-checkpoints).

With --branch-from YEAR each arm first simulates up to that year with its own flags, which is not
counted; what is counted builds the foundation, restores the state of that year, and simulates the
later ones.

examples:
  planwise bench ab --a "--no-compression" --b ""
  planwise bench ab --a "--compression-codec zstd" --b "--compression-codec lz4" --rounds 30
  planwise bench ab --a "--threads 1" --census my.csv --time-budget 300 --output threads.json
  planwise bench ab --a "--no-compression" --branch-from 2028        what restoring a state takes
  planwise bench ab --a "--no-tuning" --precision 3      sooner done, and less well known
  planwise bench ab --a "" --b ""                  equal arms: how noisy is this machine?

method, and how to read the result: docs/benchmarks.md"""

COMBINATIONS: Final = """\
A plugin's contribution is a factor, the time of a run with it over that of one without: below 1 it
saves time. --leave-one-out takes each plugin away from all, --one-in adds each to none, and --all
averages over every combination (Shapley values), so that the factors multiply to all on over all
off. Arms that do not give the same tables end it with exit code 1, and the rows that differ.

examples:
  planwise bench combinations --employees 1000 --years 2025-2026
  planwise bench combinations --plugins tuning,batching,precompile --all --time-budget 600
  planwise bench combinations --one-in --census my.csv --output found.json

method, and how to read the tables: docs/benchmarks.md"""

BASELINE: Final = """\
Plain dbt is run beside planwise, which has to give the same tables. The medians of its times are
stored in the user's folder for data (PLANWISE_DATA_DIR, else XDG_DATA_HOME/planwise, else
~/.local/share/planwise), in place of an earlier baseline of the same. A run quotes it, with its
age, if it has the same machine, project files, number of people and of scenarios; and its total,
if it has as many years. A baseline in the configuration goes before it.

examples:
  planwise bench baseline --census my.csv --years 2025-2029
  planwise bench baseline --employees 10000 --rounds 6
  planwise bench baseline --arm per-model --years 2025 --rounds 1     takes long

method: docs/benchmarks.md"""

FULL: Final = """\
Plain dbt first, which is stored as by `bench baseline`; then every combination of plugins, as by
`bench combinations --all`. The page needs nothing else and asks the network for nothing; the JSON
beside it is for `bench compare` and `planwise report --bench`. --time-budget is for all of it, a
quarter of that for plain dbt; one round of each is measured in any case.

examples:
  planwise bench full --employees 1000 --years 2025 --time-budget 900
  planwise bench full --census my.csv --years 2025-2029 --rounds 8 --output full.html

method: docs/benchmarks.md"""

COMPARE: Final = """\
Both have to be results of one action, with the same people, years and arms. The ratio of each arm
to its reference is compared, which means the same on every machine; its time too, if the machine
is the same. A regression is a change that is above the threshold, and whose
95 % interval is above 1.

exit codes: 0 no regression, 1 a regression, 2 files that cannot be compared, or wrong use

examples:
  planwise bench ab --a "--no-compression" --output old.json        before a change
  planwise bench ab --a "--no-compression" --output new.json        after it
  planwise bench compare old.json new.json --threshold 1.1

how to read the table: docs/benchmarks.md"""
