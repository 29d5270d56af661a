"""Checkpoints by somebody who can compute checksums too: refused by name, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FORGED = """
import hashlib, json, resource, sys
from pathlib import Path

import lz4.frame
import pyarrow as pa
import pyarrow.compute, pyarrow.parquet  # loaded before the peak begins

sys.path.insert(0, sys.argv[1])
from checkpoint_states import people, state, with_compression
from planwise.api import write_arrow_stream
from planwise.checkpoints.manifest import seal
from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError

LIMIT = 32 << 20
folder, case, plugins = Path(sys.argv[2], "c"), sys.argv[3], with_compression()
store = CheckpointStore(folder, memory_bytes=LIMIT)
table = pa.table({"n": pa.array(range(1_000), pa.int64())})
payload, codec, raw, rows = write_arrow_stream(table), "arrow", table.nbytes, 1_000
kind, parent, tables, claimed = "whole", None, None, None

if case == "compressed buffers":
    sink = pa.BufferOutputStream()
    rows = 64 << 20
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        for _ in range(64):
            writer.write_table(pa.table({"n": pa.nulls(1 << 20, pa.int64()).fill_null(0)}))
    payload, raw = sink.getvalue().to_pybytes(), LIMIT // 4
elif case == "lz4 bomb":
    payload = lz4.frame.compress(
        bytes(1 << 30), content_checksum=True, block_checksum=True, store_size=True
    )
    codec, raw = "parquet+lz4", LIMIT // 4
elif case == "claims":
    raw, claimed = 100_000_000_000, table.nbytes
elif case == "claims of a table":
    claimed = 100_000_000_000
elif case == "stored claims":
    payload = payload + bytes(LIMIT * 5)
    raw = LIMIT // 2
elif case == "offsets":
    texts = write_arrow_stream(pa.table({"n": pa.array(["abcdefgh"] * 1_000)}))
    payload = texts.replace((8).to_bytes(4, "little"), (1 << 30).to_bytes(4, "little"), 1)
elif case == "lists":
    tables = "[" + "[]," * ((2 << 20) // 3 - 100) + "[]]"
elif case == "texts":
    tables = "[" + '"a",' * ((2 << 20) // 4 - 100) + '"a"]'
elif case == "objects":
    tables = "[" + "{}," * ((2 << 20) // 3 - 100) + "{}]"
elif case in ("rows added over and over", "differences without a parent"):
    kind = "added" if case.startswith("rows") else "delta"

place = folder / "2025"
place.mkdir(parents=True)
entry = {
    "schema": "main", "identifier": "t", "file": "0.state", "kind": kind, "rows": rows,
    "raw_bytes": raw if claimed is None else claimed, "digest": "",
    "columns": [["n", "int64", "BIGINT"]],
    "parts": [{
        "name": "rows", "rows": rows, "codec": codec, "plugin": "compression", "raw_bytes": raw,
        "stored_bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest(),
    }],
}
head = {"format_version": 2, "year": 2025, "written": "", "parent": parent, "origin": {}}
if tables is None:
    text = seal(head, [entry])
else:
    body = (json.dumps(head)[:-1] + ', "tables": ' + tables + ",\\n").encode()
    text = body + b'"sha256": "' + hashlib.sha256(body).hexdigest().encode() + b'"\\n}\\n'
    assert len(text) < 2 << 20
(place / "manifest.json").write_bytes(text)
(place / "0.state").write_bytes(payload)
del payload, text, tables
with Path("/proc/self/clear_refs").open("w") as stream:
    stream.write("5")  # the peak begins anew


def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


before = peak()
try:
    store.verify(2025, plugins)
except CheckpointError as error:
    print(error)
    grown = peak() - before
    assert grown < LIMIT + (64 << 20), grown
    print("grown by", grown >> 20, "MiB", file=sys.stderr)
else:
    sys.exit("was believed")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("compressed buffers", "0.state: the stored Arrow stream has compressed buffers"),
        ("lz4 bomb", "0.state: stored state: the frame declares 1073741824 bytes"),
        ("claims", "0.state: claims 100000000000 bytes for main.t, more than the 33554432 bytes"),
        ("claims of a table", "2025: claims 100000000000 bytes for main.t, more than"),
        ("stored claims", "0.state: 167780440 bytes for a table of 16777216"),
        ("offsets", "0.state: the stored Arrow stream cannot be read"),
        ("lists", "manifest.json: not a checkpoint's manifest"),
        ("texts", "manifest.json: not a checkpoint's manifest"),
        ("objects", "manifest.json: not a checkpoint's manifest"),
        ("rows added over and over", "parent: there is none, and a table needs one"),
        ("differences without a parent", "parent: there is none, and a table needs one"),
    ],
)
def test_a_forged_checkpoint_is_refused_in_bounds(tmp_path: Path, case: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGED, str(Path(__file__).parent), str(tmp_path), case],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert said in done.stdout
